package correct_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestACorrectionIsShownAndMade(t *testing.T) {
	w := operator.New(t)
	w.Event("first", `{"id":"r1","owner":"o1","price":45000000.10}`)
	w.Run(`correct r1 --merge-patch {"price":450000.10} --dry-run`).Wants(t, exit.OK,
		[]string{"would run   1 item", "--merge-patch changes r1, version", "~ /price  45000000.10 → 450000.10"}, []string{"nothing was started"})
	if n := len(w.VersionsOf("r1")); n != 1 {
		t.Errorf("a dry run recorded a version: there are %d", n)
	}
	w.RunWords("correct", "r1", "--merge-patch", `{"price":450000.10}`, "--reason", "two digits too many", "--wait").Wants(t, exit.OK,
		[]string{"COMPLETED", "correct", "1 matched, 1 started, 1 succeeded", "two digits too many"}, []string{"corrects version"})
	all := w.VersionsOf("r1")
	if len(all) != 2 || all[0].Correction == nil || all[0].Correction.Of != all[1].VersionID {
		t.Fatalf("got %+v, want the latest to be the correction of the other one", all)
	}
	w.Run("show r1 --raw").Wants(t, exit.OK, []string{`{"id":"r1","owner":"o1","price":450000.10}`}, nil)
	w.Run("history r1").Wants(t, exit.OK, []string{"correction SUCCEEDED", "live SUCCEEDED"}, nil)
	w.Run("history r1 --detail --limit 1").Wants(t, exit.OK,
		[]string{"corrects   " + all[1].VersionID + ", by ", ", replay " + all[0].Correction.ReplayID, "two digits too many"}, nil)
	w.Run("replay r1 --reason again --wait").Wants(t, exit.OK, []string{"1 succeeded"}, nil)
	w.Run("show r1 --raw").Wants(t, exit.OK, []string{"450000.10"}, nil)
	w.At("")
	w.Run("show r1").Wants(t, exit.OK, nil, []string{"it corrects version " + all[1].VersionID, ": two digits too many"})
}

func TestACorrectionIsStartedWithoutWaiting(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	got := w.Run(`correct r1 --version latest --json-patch [{"op":"replace","path":"/n","value":5}] --reason x`)
	id := strings.TrimSpace(got.Out)
	got.Wants(t, exit.OK, []string{"01"}, []string{"status " + id + " --wait"})
	w.Run("status "+id+" --wait").Wants(t, exit.OK, []string{"COMPLETED", "correct"}, nil)
	again := w.Run(`correct r1 --merge-patch {"n":6} --reason x --idempotency-key k -o json`)
	var one, two replay.Accepted
	if err := json.Unmarshal([]byte(again.Out), &one); err != nil || one.Request.Action != replay.Correct {
		t.Errorf("got %s, %v, want the answer", again.Out, err)
	}
	w.Engine.Pump()
	again = w.Run(`correct r1 --merge-patch {"n":6} --reason x --idempotency-key k -o json`)
	if err := json.Unmarshal([]byte(again.Out), &two); err != nil || two.ReplayID != one.ReplayID {
		t.Errorf("got %s, %v, want the same replay", again.Out, err)
	}
	again.Wants(t, exit.OK, nil, []string{"was used before"})
	if n := len(w.VersionsOf("r1")); n != 3 {
		t.Errorf("got %d versions, want 3", n)
	}
}

func TestACorrectionOfAnOlderVersionNeedsAFlag(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Event("newer", `{"id":"r1","owner":"o1","n":1}`)
	const line = `correct r1 --version latest-1 --merge-patch {"n":9} --reason x --wait`
	w.Run(line).Wants(t, exit.Refused, nil, []string{"is newer than", "--allow-stale", "history r1"})
	w.Run(line+" --allow-stale").Wants(t, exit.OK, []string{"1 succeeded"}, nil)
	w.Run("show r1 --raw").Wants(t, exit.OK, []string{`"n":9`}, nil)
}

func TestAnOvertakenCorrectionIsSkipped(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	id := strings.TrimSpace(w.Run(`correct r1 --merge-patch {"n":9} --reason x`).Out)
	replays := w.Engine.Replays.TakeAll() // the event comes first
	w.Event("newer", `{"id":"r1","owner":"o1","n":1}`)
	if err := w.Engine.Replays.Send(t.Context(), replays...); err != nil {
		t.Fatal(err)
	}
	w.Run("status "+id+" --wait --fail-on-skipped").Wants(t, exit.Skipped, []string{"1 skipped"}, []string{"superseded: version", "--allow-stale"})
}

func TestWhatIsNotACorrection(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	for line, want := range map[string]string{
		"correct": "RESOURCE is missing",
		"correct r1 r2 --merge-patch {} --reason x":                                     `unexpected argument "r2"`,
		"correct r1 --reason x":                                                         "--merge-patch or --json-patch is required",
		`correct r1 --merge-patch {"n":1}`:                                              "--reason is required",
		`correct r1 --merge-patch {"n":1} --json-patch [] --reason x`:                   "cannot be used together",
		`correct r1 --merge-patch {"n":1 --reason x`:                                    "must be JSON",
		`correct r1 --merge-patch {} --reason x`:                                        "--merge-patch must be a JSON object with at least one member",
		`correct r1 --merge-patch {"n":1} --reason x --fail-on-skipped`:                 "--fail-on-skipped needs --wait or --dry-run",
		`correct r1 --merge-patch {"n":1} --reason x --version ` + "\"\x01\"":           "is not a version id",
		`correct r1 --merge-patch {"n":1} --reason ` + strings.Repeat("x", 501):         "--reason has 501 bytes",
		`correct ` + strings.Repeat("r", 1025) + ` --merge-patch {"n":1} --reason long`: "RESOURCE",
	} {
		w.Run(line).Wants(t, exit.Usage, nil, []string{want})
	}
	for line, want := range map[string]string{
		`correct gone --merge-patch {"n":1} --reason x`:                              "the event log has no resource gone",
		`correct r1 --version v9 --merge-patch {"n":1} --reason x`:                   "no such version",
		`correct r1 --version latest-7 --merge-patch {"n":1} --reason x`:             "no version latest-7",
		`correct r1 --merge-patch {"id":"r2"} --reason x`:                            "400: --merge-patch cannot be applied to version v000001: ",
		`correct r1 --merge-patch {"n":0} --reason x`:                                "changes nothing",
		`correct r1 --json-patch [{"op":"remove","path":"/nowhere"}] --reason x`:     "400: --json-patch cannot be applied",
		`correct r1 --merge-patch {"replayableIngestion":{"v":1}} --reason x --wait`: "reserved key",
	} {
		w.Run(line).Wants(t, exit.Refused, nil, []string{want})
	}
	if n := len(w.VersionsOf("r1")); n != 1 {
		t.Errorf("got %d versions, want one", n)
	}
}

func TestAPatchIsReadFromAFile(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	file := filepath.Join(t.TempDir(), "patch.json")
	if err := os.WriteFile(file, []byte(`{"n": 5}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Run("correct r1 --merge-patch @"+file+" --reason x --wait").Wants(t, exit.OK, []string{"1 succeeded"}, nil)
	w.Process.In = strings.NewReader(`{"n": 6}`)
	w.Run("correct r1 --merge-patch @- --reason x --wait").Wants(t, exit.OK, []string{"1 succeeded"}, nil)
	w.At("the reason\n")
	w.Run(`correct r1 --merge-patch {"n":7}`).Wants(t, exit.OK, nil, []string{"Why?"})
	if r := w.Requested(); r.Reason != "the reason" {
		t.Errorf("got %+v, want the reason that was typed", r.Summary)
	}
}

func TestADryRunOfAReplayPointsHere(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2")
	w.Run(`replay r1 --merge-patch {"n":9} --reason x --wait`).Wants(t, exit.OK, nil, nil)
	w.Run("history r1").Wants(t, exit.OK, []string{"api SUCCEEDED (patched)"}, nil)
	w.Run("replay r1 r2 --dry-run").Wants(t, exit.OK,
		[]string{"undo a patch  1 item, of those that would run", "warning: it succeeded last with a patch", "replayctl correct"}, nil)
	id := w.Requested().ReplayID
	w.Run("items "+id).Wants(t, exit.OK, []string{"warning: it succeeded last with a patch"}, nil)
	w.Run("items "+id+" --detail").Wants(t, exit.OK, []string{"warning: it succeeded last with a patch"}, nil)
}

// The version that was corrected has failed for good, and its failure is healed: its history says both.
func TestTheHistoryOfACorrectedVersionSaysThatItsFailureIsHealed(t *testing.T) {
	w := operator.New(t)
	w.Broken(map[string]string{"r1": "BadListing"})
	w.RunWords("correct", "r1", "--merge-patch", `{"n":6}`, "--reason", "x", "--wait").Wants(t, exit.OK, []string{"1 succeeded"}, nil)
	w.Run("history r1").Wants(t, exit.OK, []string{"FAILED (HEALED)", "correction SUCCEEDED"}, nil)
	w.Run("history r1 --detail").Wants(t, exit.OK, []string{"outcome     FAILED (HEALED)", "outcome    SUCCEEDED"}, nil)
	w.Run("history r1 -o jsonl").Wants(t, exit.OK, []string{`"outcome":"FAILED",`, `"status":"HEALED"`}, nil)
}
