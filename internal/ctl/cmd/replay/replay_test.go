package replay_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestFlagsBecomeARequest(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2")
	expression := filepath.Join(t.TempDir(), "fix.jsonata")
	if err := os.WriteFile(expression, []byte(`$merge([$, {"n": n = 0 ? 1 : n}])`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
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
		{"r1 --ramp", `"ramp":{"maxFailureShare":0.2}`},
		{"r1 --ramp --max-failure-share 0", `"ramp":{"maxFailureShare":0}`},
		{"--all --max-items 10", `"select":{"all":true}`},
		{"r1 --owner o1 --failures --state Work* --cause late", `"select":{"resourceIds":["r1"],"ownerId":"o1","failures":{"state":"Work*","cause":"late"}}`},
		{"--owner o1 --outcome failed --where @.n<5", `"select":{"ownerId":"o1","outcome":"failed","where":"@.n\u003c5"}`},
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
		{"r1 --jsonata @" + expression, `"transform":{"jsonata":"$merge([$, {\"n\": n = 0 ? 1 : n}])"}`},
		{`r1 --jsonata $`, `"transform":{"jsonata":"$"}`},
		{`r1 --transform fix --parameters {"n":12345678901234567890}`, `"transform":{"function":"fix","parameters":{"n":12345678901234567890}}`},
		{`r1 --transform fix`, `"transform":{"function":"fix"}`},
		{`r1 --json-patch [{"op":"remove","path":"/n"}]`, `"transform":{"jsonPatch":[{"op":"remove","path":"/n"}]}`},
		{"r1 --suppress-publish --allow-stale --target search", `"publish":"suppress","target":"search","allowStale":true`},
		{"r1 --max-per-second 7 --max-items 8 --max-failures 0", `"maxPerSecond":7,"maxItems":8,"maxFailures":0`},
	} {
		t.Run(tt.line, func(t *testing.T) {
			got := w.Run("replay " + tt.line + " --reason because --yes")
			got.Wants(t, exit.OK, nil, []string{"status " + strings.TrimSpace(got.Out) + " --wait"})
			r := w.Requested()
			b, err := json.Marshal(r.Request)
			if err != nil {
				t.Fatal(err)
			}
			if r.ReplayID != strings.TrimSpace(got.Out) || !strings.Contains(string(b), tt.want) || r.Reason != "because" {
				t.Errorf("%s: got %s, want %s in it", r.ReplayID, b, tt.want)
			}
		})
	}
}

// What the API would refuse is refused without asking it, and named by its flag.
func TestWrongCommandLinesAreErrorsOfUsage(t *testing.T) {
	w := operator.New(t)
	for line, want := range map[string]string{
		"replay":            "say what to replay: resource ids, -f FILE, --owner, --failures or --all",
		"replay --reason x": "say what to replay: resource ids, -f FILE, --owner, --failures or --all",
		"replay a --all --max-items 5 --reason x":                        "--all does not go with resource ids, --owner and --failures",
		"replay --owner o --outcome lost --reason x":                     `--outcome must be "open" or "succeeded" or "failed"`,
		"replay --owner o --where @.n=1 --reason x":                      `--where: not a filter: want the end, && or ||, got "=" at character 4`,
		"replay --where @.n --reason x":                                  "say what to replay",
		"replay a --cause x --reason x":                                  "--error, --state, --cause, --since and --until go with --failures",
		"replay a":                                                       "--reason is required",
		"replay --all --reason x":                                        "--max-items is required with --all",
		"replay a --since 2h --reason x":                                 "--error, --state, --cause, --since and --until go with --failures",
		"replay --failures --since soon --reason x":                      `--since must be a time: how long ago (90m, 2h`,
		"replay a --as-of tomorrow --reason x":                           `--as-of must be a time`,
		"replay a --last 0 --reason x":                                   "--last must be a whole number from 1 to 1000",
		"replay a --last 3 --as-of 2h --reason x":                        "--as-of and --last cannot be used together: use one of them",
		"replay a --series --version latest --reason x":                  "--version and --series cannot be used together: use one of them",
		"replay a --series --as-of 2h --reason x":                        "--as-of and --series cannot be used together",
		"replay a --as-of 2h --from 3h --to 2h --reason x":               "--as-of and --from cannot be used together",
		"replay a --latest --reason x":                                   "--latest goes with --failures: leave it out",
		"history a --limit -1":                                           "must be a whole number from 0; 0 lists all of them",
		"list --limit -1":                                                "must be a whole number from 0",
		"items --limit x":                                                "must be a whole number from 0",
		"failures --detail --limit -5":                                   "must be a whole number from 0",
		"help nope":                                                      "unknown command \"nope\"",
		"help failures nope":                                             "unknown command",
		"history -5":                                                     "an id that begins with - goes after --: `replayctl history -- -5`",
		"ingest /":                                                       "FILE: / is a directory: name a file, or - for standard input",
		"replay -f / --reason x":                                         "--file: / is a directory",
		"replay --reason x --merge-patch {\"a\":\"\\ud83d\"} a":          "--merge-patch: a has half of a surrogate pair",
		"replay --failures --latest --reason x --on-failure stop":        "--on-failure goes with a series",
		"replay a --series --on-failure never --reason x":                `--on-failure must be "stop" or "continue"`,
		"replay a b --version v1 --reason x":                             "--version needs one resource",
		"replay a --max-per-second 0 --reason x":                         "--max-per-second must be a whole number from 1 to 1000",
		"replay a --max-per-second fast --reason x":                      "invalid argument",
		"replay a --merge-patch {x --reason x":                           "--merge-patch must be JSON",
		"replay a --merge-patch {} --reason x":                           "--merge-patch must be a JSON object with at least one member",
		"replay a --merge-patch {\"a\":1} --json-patch [] --reason x":    "cannot be used together",
		"replay a --jsonata $ --transform fix --reason x":                "--jsonata and --transform cannot be used together",
		"replay a --parameters {} --reason x":                            "--parameters are for a function: name it with --transform",
		"replay a --transform fix --parameters [] --reason x":            "--parameters must be a JSON object",
		"replay a --transform f.x --reason x":                            "--transform must have 1 to 64 letters",
		"replay a --jsonata @/nowhere --reason x":                        "--jsonata: open /nowhere: no such file",
		"replay a --json-patch [{\"op\":\"add\",\"path\":1}] --reason x": "--json-patch[0].path must be a JSON pointer",
		"replay a --reason x --merge-patch {\"n\":{\"m\":1,\"m\":2}}":    "--merge-patch: n.m is given twice: leave one out",
		"replay a --merge-patch @/nowhere --reason x":                    "--merge-patch: open /nowhere: no such file",
		"replay -f /nowhere --reason x":                                  "--file: open /nowhere: no such file",
		"replay a --failures-since 1h":                                   "unknown flag: --failures-since",
		"replay a --output yaml --reason x":                              "--output must be one of table, json, jsonl",
		"republish a --merge-patch {} --reason x":                        "unknown flag: --merge-patch",
		"failures replya":                                                "unexpected argument \"replya\"\n  did you mean replayctl failures replay?",
		"history r1 --outputs json":                                      "unknown flag: --outputs\n  did you mean --output?",
		"replai a":                                                       "unknown command \"replai\"\n  did you mean replay?",
		"status --wait --output":                                         "flag needs an argument",
		"list --api-url abc123/v1":                                       "--api-url must be the URL of the API with its stage",
		"history":                                                        "RESOURCE is missing\n  usage: replayctl history RESOURCE [flags]",
		"show":                                                           "RESOURCE is missing",
		"diff":                                                           "RESOURCE is missing",
		"show a b":                                                       `unexpected argument "b"`,
		"list a":                                                         `unexpected argument "a"`,
		"items a b":                                                      `unexpected argument "b"`,
		"replay a --dry-run false":                                       "--dry-run takes a value after = only, got \"false\" after it\n  write --dry-run=false",
		"replay a --fail-on-skipped --reason x":                          "--fail-on-skipped needs --wait, --dry-run or --plan",
		"items x --outcome LOST":                                         "--outcome must be one of WAITING, STARTED",
	} {
		got := w.Run(line)
		if got.Code != exit.Usage || !strings.Contains(got.Err, want) || got.Out != "" {
			t.Errorf("%s: got %d, %q, %q, want %q", line, got.Code, got.Out, got.Err, want)
		}
	}
	if calls := w.Gateway.Calls(); len(calls) > 0 {
		t.Errorf("the API was asked: %v", calls)
	}
}

func TestVersionsAreCountedFromTheLatest(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r1", "r1")
	for line, want := range map[string]string{
		"--version latest-2": `["v000001"]`, "--version latest-2 --version v000005 --version latest": `["v000001","v000005"]`,
		"--version 1s": `["v000005"]`,
	} {
		if strings.Contains(line, "1s") {
			w.Process.Now = func() time.Time { return time.Now().Add(time.Minute) }
		}
		w.Run("replay r1 --reason x "+line).Wants(t, exit.OK, nil, nil)
		w.Process.Now = time.Now
		if b, err := json.Marshal(w.Requested().Request.Versions.IDs); err != nil || string(b) != want {
			t.Errorf("%s: got %s, %v, want %s", line, b, err, want)
		}
	}
	w.Run("replay r1 --reason x --version latest-3").Wants(t, exit.Refused, nil, []string{"r1 has 3 versions, and no version latest-3"})
	w.Run("replay gone --reason x --version latest-1").Wants(t, exit.Refused, nil, []string{"the event log has no resource gone"})
}

// A time that clocks show twice, or skip, is taken for one of the two, and the command says for which.
func TestATimeThatExistsTwiceIsTold(t *testing.T) {
	w := operator.New(t)
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	w.Process.Zone = zone
	for _, words := range [][]string{
		{"replay", "r1", "--as-of", "2026-10-25 02:30", "--reason", "x"}, {"replay", "r1", "--recorded-from", "2026-10-25 02:30", "--reason", "x"},
		{"replay", "r1", "--from", "2026-10-25 02:30", "--reason", "x"}, {"failures", "--since", "2026-10-25 02:30"},
	} {
		w.RunWords(words...).Wants(t, exit.OK, nil, []string{"2026-10-25 02:30 exists twice here", "2026-10-25T02:30:00+02:00 is meant"})
	}
	w.RunWords("replay", "r1", "--as-of", "2026-03-29 02:30", "--reason", "x").Wants(t, exit.OK, nil, []string{"does not exist here", "2026-03-29T03:30:00+02:00 is meant"})
}

// What the API says of an item is told in the words of the command line.
func TestReasonsNameFlags(t *testing.T) {
	w := operator.New(t)
	w.Event("first", `{"id":"r1","owner":"o1","n":1}`)
	time.Sleep(2 * time.Millisecond) // events are ordered by their executions' starts, in milliseconds
	w.Event("second", `{"id":"r1","owner":"o1","n":2}`)
	for _, line := range []string{"replay r1 --version latest-1 --dry-run", "replay r1 --version latest-1 --reason x --wait"} {
		got := w.Run(line)
		if text := got.Out + got.Err; !strings.Contains(text, "--allow-stale") || strings.Contains(text, "allowStale") {
			t.Errorf("%s: got %s", line, text)
		}
	}
	if got := w.Run("items -o json"); !strings.Contains(got.Out, "allowStale") {
		t.Errorf("got %s, want data as the API has it", got.Out)
	}
}
