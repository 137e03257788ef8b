package ctl_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/replay"
)

// requested is the request of the newest replay, as the API understood it.
func (w *world) requested() replay.Replay {
	w.t.Helper()
	got := w.run("status -o json")
	var r replay.Replay
	if err := json.Unmarshal([]byte(got.out), &r); err != nil {
		w.t.Fatalf("%v: %s%s", err, got.out, got.err)
	}
	return r
}

func TestFlagsBecomeARequest(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1", "r2")
	patch := filepath.Join(t.TempDir(), "patch.json")
	if err := os.WriteFile(patch, []byte(`{"n": 450000}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		line string
		want string // what the request has, as JSON
	}{
		{"r1 r2 r1", `"select":{"resourceIds":["r1","r2"]},"versions":"latest"`},
		{"--owner o1", `"select":{"ownerId":"o1"}`},
		{"--all --max-items 10", `"select":{"all":true}`},
		{"--failures", `"select":{"failures":{}},"versions":"failed"`},
		{"--failures --latest --error Geo*", `"select":{"failures":{"error":"Geo*"}},"versions":"latest"`},
		{"--failures --since 2026-11-24 --until 2026-11-25T01:00:00+01:00",
			`"failures":{"since":"2026-11-24T00:00:00Z","until":"2026-11-25T00:00:00Z"}`},
		{"r1 --recorded-from 2026-11-23T18:30", `"recorded":{"from":"2026-11-23T18:30:00Z"}`},
		{"r1 --recorded-to 2026-11-23T18:30", `"recorded":{"to":"2026-11-23T18:30:00Z"}`},
		{"r1 --as-of 2026-11-23T18:30", `"versions":{"asOf":"2026-11-23T18:30:00Z"}`},
		{"r1 --version v1 --version v2 --on-failure continue", `"versions":{"ids":["v1","v2"],"onFailure":"continue"}`},
		{"--owner o1 --series", `"versions":{"series":"all","onFailure":"stop"}`},
		{"--owner o1 --series --last 3", `"versions":{"series":{"last":3},"onFailure":"stop"}`},
		{"r1 --from v1 --to 2026-11-23", `"versions":{"series":{"from":"v1","to":"2026-11-23T00:00:00Z"},"onFailure":"stop"}`},
		{"r1 --merge-patch @" + patch, `"transform":{"mergePatch":{"n":450000}}`},
		{`r1 --json-patch [{"op":"remove","path":"/n"}]`, `"transform":{"jsonPatch":[{"op":"remove","path":"/n"}]}`},
		{"r1 --suppress-publish --allow-stale --target search", `"publish":"suppress","target":"search","allowStale":true`},
		{"r1 --max-per-second 7 --max-items 8 --max-failures 0", `"maxPerSecond":7,"maxItems":8,"maxFailures":0`},
	} {
		t.Run(tt.line, func(t *testing.T) {
			got := w.run("replay " + tt.line + " --reason because --yes")
			got.wants(t, ctl.ExitOK, nil, []string{"status " + strings.TrimSpace(got.out) + " --watch"})
			r := w.requested()
			b, err := json.Marshal(r.Request)
			if err != nil {
				t.Fatal(err)
			}
			if r.ReplayID != strings.TrimSpace(got.out) || !strings.Contains(string(b), tt.want) || r.Reason != "because" {
				t.Errorf("%s: got %s, want %s in it", r.ReplayID, b, tt.want)
			}
		})
	}
	got := w.run("republish --owner o1 --target price-map --reason new --yes")
	got.wants(t, ctl.ExitOK, nil, nil)
	if r := w.requested(); r.Action != replay.Republish || r.Request.Target != "price-map" {
		t.Errorf("got %+v, want a republish", r.Request)
	}
}

// What the API would refuse is refused without asking it, and named by its flag.
func TestWrongCommandLinesAreErrorsOfUsage(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]string{
		"replay --reason x":                                              "say what to replay: resource ids, -f FILE, --owner, --failures or --all",
		"replay a --owner o --reason x":                                  "resource ids and --owner exclude each other: use one",
		"replay a":                                                       "--reason is required",
		"replay --all --reason x":                                        "--max-items is required with --all",
		"replay a --since 2h --reason x":                                 "--error, --since and --until go with --failures",
		"replay --failures --since soon --reason x":                      `--since must be a time: how long ago (90m, 2h`,
		"replay a --as-of tomorrow --reason x":                           `--as-of must be a time`,
		"replay a --last 0 --reason x":                                   "--last must be a whole number from 1 to 1000",
		"replay a --last 3 --as-of 2h --reason x":                        "--as-of and --last exclude each other: use one",
		"replay a --latest --reason x --on-failure stop":                 "--on-failure goes with a series",
		"replay a --series --on-failure never --reason x":                `--on-failure must be "stop" or "continue"`,
		"replay a b --version v1 --reason x":                             "--version needs one resource",
		"replay a --max-per-second 0 --reason x":                         "--max-per-second must be a whole number from 1 to 1000",
		"replay a --max-per-second fast --reason x":                      "invalid argument",
		"replay a --merge-patch {x --reason x":                           "--merge-patch must be JSON",
		"replay a --merge-patch {} --reason x":                           "--merge-patch must be a JSON object with at least one member",
		"replay a --merge-patch {\"a\":1} --json-patch [] --reason x":    "exclude each other",
		"replay a --json-patch [{\"op\":\"add\",\"path\":1}] --reason x": "--json-patch[0].path must be a JSON pointer",
		"replay a --merge-patch @/nowhere --reason x":                    "no such file",
		"replay -f /nowhere --reason x":                                  "no such file",
		"replay a --failures-since 1h":                                   "unknown flag: --failures-since",
		"replay a --output yaml --reason x":                              "--output must be one of table, json, jsonl",
		"republish a --merge-patch {} --reason x":                        "unknown flag: --merge-patch",
		"replai a":                 "unknown command \"replai\"\n  did you mean replay?",
		"status --watch --output":  "flag needs an argument",
		"list --api-url abc123/v1": "--api-url must be the URL of the API with its stage",
		"items":                    "accepts 1 arg(s)",
		"items x --outcome LOST":   "--outcome must be one of WAITING, STARTED",
	} {
		got := w.run(line)
		if got.code != ctl.ExitUsage || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("%s: got %d, %q, %q, want %q", line, got.code, got.out, got.err, want)
		}
	}
	if calls := w.gateway.Calls(); len(calls) > 0 {
		t.Errorf("the API was asked: %v", calls)
	}
}

func TestVersionsAreCountedFromTheLatest(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1", "r1", "r1")
	for line, want := range map[string]string{
		"--version latest-2": `["v000001"]`, "--version latest-2 --version v000005 --version latest": `["v000001","v000005"]`,
		"--version 1s": `["v000005"]`,
	} {
		if strings.Contains(line, "1s") {
			w.process.Now = func() time.Time { return time.Now().Add(time.Minute) }
		}
		w.run("replay r1 --reason x "+line).wants(t, ctl.ExitOK, nil, nil)
		w.process.Now = time.Now
		if b, err := json.Marshal(w.requested().Request.Versions.IDs); err != nil || string(b) != want {
			t.Errorf("%s: got %s, %v, want %s", line, b, err, want)
		}
	}
	w.run("replay r1 --reason x --version latest-3").wants(t, ctl.ExitRefused, nil, []string{"r1 has 3 versions, and no version latest-3"})
	w.run("replay gone --reason x --version latest-1").wants(t, ctl.ExitRefused, nil, []string{"the event log has no resource gone"})
}

func TestIdsComeFromFilesAndPipes(t *testing.T) {
	w := newWorld(t)
	list := "\ufeffr1\r\n\n# a comment\n  r2  \n\"r 3\"\n{\"resourceId\":\"r4\",\"error\":\"X\"}\nr1\n"
	file := filepath.Join(t.TempDir(), "ids")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"-", file} {
		w.process.In = strings.NewReader(list)
		w.run("replay r0 -f "+from+" --reason x").wants(t, ctl.ExitOK, nil, nil)
		if got, want := w.requested().Request.Select.ResourceIDs, []string{"r0", "r1", "r2", "r 3", "r4"}; !slices.Equal(got, want) {
			t.Errorf("from %s: got %q, want %q", from, got, want)
		}
	}
	for list, want := range map[string]string{
		"":                         "standard input names no resource",
		"a\n{\"resourceId\":1}\n":  "standard input, line 2: is no JSON object",
		"{\"execution\":\"e\"}":    "line 1: the object has no resourceId",
		"\"a":                      "line 1: is no JSON text",
		strings.Repeat("a", 2<<20): "token too long",
	} {
		w.process.In = strings.NewReader(list)
		if got := w.run("replay -f - --reason x"); got.code == ctl.ExitOK || !strings.Contains(got.err, want) {
			t.Errorf("%.20q: got %d, %s, want %s", list, got.code, got.err, want)
		}
	}
}

func TestADryRunShowsAPlan(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1", "r2")
	got := w.run(`replay r1 r2 gone --dry-run --merge-patch {"n":7}`)
	got.wants(t, ctl.ExitOK, []string{
		"would run   2 items", "be skipped  1 item", "RESOURCE", "WOULD", "no such resource",
		"the patch changes r1, version", "  ~ /n  0 → 7",
	}, []string{"nothing was started"})
	if n := len(w.engine.Machine.Starts); n != 2 {
		t.Errorf("%d executions were started, want the two live ones", n)
	}
	r := w.requested()
	if !r.DryRun || r.Status != replay.Planned || r.Reason != "dry run" {
		t.Errorf("got %+v, want a dry run that has ended", r.Summary)
	}
	var doc replay.Replay
	got = w.run(`replay r1 --dry-run -o json`)
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil || doc.Plan == nil || doc.Plan.Items != 1 {
		t.Errorf("got %s, %v, want the replay with its plan", got.out, err)
	}
	w.run(`replay r1 --dry-run --json-patch [{"op":"remove","path":"/nowhere"}]`).
		wants(t, ctl.ExitFailures, []string{"would run   0 items", "fail        1 item, for the reasons below", "TransformFailed"}, nil)
}

func TestWaitingEndsAsTheReplayDoes(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1", "r2", "r3")
	w.run("replay r1 r2 --reason x --wait").wants(t, ctl.ExitOK,
		[]string{"COMPLETED", "2 matched, 2 started, 2 succeeded, 0 failed, 0 skipped", "asked by   arn:aws:sts::000000000000:assumed-role/oncall/ada"},
		[]string{"PENDING: 0 items found", "COMPLETED: 2 of 2 items, 2 succeeded"})
	w.engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "r2") {
			return "", "GeocoderDown"
		}
		return event, ""
	}
	got := w.run("replay r1 r2 --reason x --wait")
	got.wants(t, ctl.ExitFailures, []string{"COMPLETED", "1 failed"},
		[]string{"1 item failed:", "  r2  GeocoderDown", "--outcome failed"})
	id := w.requested().ReplayID
	w.run("replay r1 gone --reason x --wait").wants(t, ctl.ExitOK, []string{"1 succeeded, 0 failed, 1 skipped"},
		[]string{"1 item skipped:", "  gone  the event log has no such resource"})
	w.run("items "+id+" --outcome failed").wants(t, ctl.ExitOK, []string{"r2", "FAILED", "GeocoderDown"}, nil)
	w.run("status "+id+" --watch").wants(t, ctl.ExitFailures, []string{"COMPLETED"}, nil)
	w.run("status "+id).wants(t, ctl.ExitOK, []string{"COMPLETED"}, nil)
	w.run("cancel "+id).wants(t, ctl.ExitRefused, nil, []string{"409", "COMPLETED"})

	w.run("replay r2 --reason x --wait --max-failures 0").wants(t, ctl.ExitStopped, []string{"HALTED"}, nil)

	var doc replay.Replay
	got = w.run("replay r1 --reason x --wait -o json")
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil || doc.Status != replay.Completed {
		t.Errorf("got %s, %v", got.out, err)
	}
}

func TestCancelling(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1")
	id := strings.TrimSpace(w.run("replay r1 --reason x").out)
	w.run("cancel "+id).wants(t, ctl.ExitOK, []string{id, "CANCELLED"}, nil)
	w.run("status "+id+" --watch").wants(t, ctl.ExitStopped, []string{"CANCELLED", "arn:aws:sts::000000000000:assumed-role/oncall/ada"}, nil)
	w.run("cancel 01ARZ3NDEKTSV4RRFFQ69G5FAV").wants(t, ctl.ExitRefused, nil, []string{"404"})
}

// crowd has more resources than may be started without a question.
func crowd(w *world, n int) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("c%04d", i)
	}
	w.ingest(ids...)
}

func TestManyItemsNeedAYes(t *testing.T) {
	w := newWorld(t)
	crowd(w, 101)
	live := len(w.engine.Machine.Starts)
	for _, tt := range []struct {
		name, line, typed string
		terminal          bool
		code              ctl.Code
		says              string
		started           int
	}{
		{"nobody to ask", "replay --owner o1 --reason x", "", false, ctl.ExitUsage, "more than 100 items need a yes", 0},
		{"no", "replay --owner o1 --reason x", "n\n", true, ctl.ExitError, "nothing was started", 0},
		{"just enter", "replay --owner o1 --reason x", "\n", true, ctl.ExitError, "nothing was started", 0},
		{"end of input", "replay --owner o1 --reason x", "", true, ctl.ExitError, "no answer: nothing was started", 0},
		{"yes", "replay --owner o1 --reason x --wait", "y\n", true, ctl.ExitOK, "Start 101 items? [y/N]", 101},
		{"--yes", "replay --owner o1 --reason x --wait --yes", "", false, ctl.ExitOK, "COMPLETED", 101},
		{"few", "replay --owner o1 --reason x --wait --max-items 100", "", false, ctl.ExitOK, "COMPLETED: 100 of 100", 100},
		{"few, as the dry run finds out", "replay --owner o2 --reason x --wait", "", false, ctl.ExitOK, "COMPLETED: 0 of 0", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.process.Terminal = ctl.Terminal{}
			w.process.In = strings.NewReader("")
			if tt.terminal {
				w.at(tt.typed)
			}
			w.run(tt.line).wants(t, tt.code, nil, []string{tt.says})
			got := len(w.engine.Machine.Starts) - live
			live += got
			if got != tt.started {
				t.Errorf("started %d, want %d", got, tt.started)
			}
		})
	}
}

func TestTheReasonIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.at("the index lost it\n")
	w.run("replay r1").wants(t, ctl.ExitOK, nil, []string{"Why?"})
	if got := w.requested().Reason; got != "the index lost it" {
		t.Errorf("got reason %q", got)
	}
	w.at("\n")
	w.run("replay r1").wants(t, ctl.ExitUsage, nil, []string{"--reason is required"})
}
