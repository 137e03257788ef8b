package ctl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
)

const (
	before = `{"id":"r1","owner":"o1","price":12345678901234567890,"tags":["a","b","c"],"old":true}`
	after  = `{"id":"r1","owner":"o1","price":12345678901234567891,"tags":["a","c"],"new":{"<x>":1.10}}`
)

func TestShowPrintsAnEventByteForByte(t *testing.T) {
	w := newWorld(t)
	w.event("first", before)
	time.Sleep(2 * time.Millisecond)
	between := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	time.Sleep(2 * time.Millisecond)
	w.event("second", after)
	w.event("mail", `{"id":"ada@example.com","owner":"o1","n":1}`)
	all := w.versionsOf("r1")
	for line, want := range map[string]string{
		"r1":                                   after,
		"r1@latest":                            after,
		"r1@latest-1":                          before,
		"r1@" + all[1].VersionID:               before,
		"r1@" + between:                        before,
		"r1 --version " + all[1].VersionID:     before,
		"r1 --version latest-1":                before,
		"r1 --raw":                             after,
		"r1 -o jsonl":                          after + "\n",
		"ada@example.com":                      `{"id":"ada@example.com","owner":"o1","n":1}`,
		"ada@example.com@latest":               `{"id":"ada@example.com","owner":"o1","n":1}`,
		"ada@example.com --version latest":     `{"id":"ada@example.com","owner":"o1","n":1}`,
		"ada@example.com@latest-0 --raw=false": `{"id":"ada@example.com","owner":"o1","n":1}`,
	} {
		if got := w.run("show " + line); got.code != ctl.ExitOK || got.out != want || got.err != "" {
			t.Errorf("%s: got %d, %q, %q, want %q", line, got.code, got.out, got.err, want)
		}
	}
	w.run("show r1 -o json").wants(t, ctl.ExitOK, []string{"{\n  \"id\": \"r1\",", `"price": 12345678901234567891`, `"<x>": 1.10`}, nil)
	for line, want := range map[string]string{
		"r2":                     "the event log has no resource r2",
		"r2@latest":              "the event log has no resource r2",
		"r1@latest-2":            "r1 has 2 versions, and no version latest-2",
		"r1@nope":                "r1 has no version nope",
		"r1@10d":                 "r1 has no version that was recorded until",
		"r1 --version=nope":      "r1 has no version nope",
		"r1@latest --version=~1": "r1@latest has no version ~1",
	} {
		w.run("show "+line).wants(t, ctl.ExitRefused, nil, []string{want})
	}
}

func TestShowOnATerminalIsReadable(t *testing.T) {
	w := newWorld(t)
	w.event("first", "{\"id\":\"r1\",\"owner\":\"o1\",\"evil\":\"\u009b2J \u202e\",\"a\":{\"b\":[1,2.50]}}")
	w.process.Terminal.Out, w.process.Terminal.Err = true, true
	got := w.run("show r1")
	got.wants(t, ctl.ExitOK, []string{"\x1b[36m\"a\"\x1b[0m: {\n", `"\u009b2J \u202e"`, "2.50"}, []string{"r1 version ", "SUCCEEDED"})
	if strings.ContainsAny(got.out, "\u009b\u202e") {
		t.Errorf("the event steers the terminal: %q", got.out)
	}
	got = w.run("show r1 --no-color")
	if strings.Contains(got.out, "\x1b") || !strings.Contains(got.out, "  \"a\": {\n    \"b\": [\n") {
		t.Errorf("got %q", got.out)
	}
	if got = w.run("show r1 --raw"); !strings.HasPrefix(got.out, `{"id":"r1","owner"`) {
		t.Errorf("--raw: got %q", got.out)
	}
}

func TestShowOfADeletedResource(t *testing.T) {
	w := newWorld(t)
	w.event("first", before)
	w.engine.Bucket.Delete("events/r1")
	w.run("show r1").wants(t, ctl.ExitOK, []string{before}, nil)
	w.run("history r1").wants(t, ctl.ExitOK, []string{"DELETED", "SUCCEEDED"}, nil)
	w.run("diff r1").wants(t, ctl.ExitRefused, nil, []string{"r1 has 1 version, and no version latest-1"})
}

func TestDiffShowsWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.event("first", before)
	w.event("second", after)
	w.event("third", after)
	all := w.versionsOf("r1")
	w.run("diff r1").wants(t, ctl.ExitOK, nil, []string{"no difference between versions " + all[1].VersionID + " and " + all[0].VersionID})
	w.run("diff r1 --exit-code").wants(t, ctl.ExitOK, nil, nil)

	for _, line := range []string{"latest-2", "latest-2 latest-1", all[2].VersionID, all[2].VersionID + " " + all[1].VersionID} {
		got := w.run("diff r1 " + line)
		got.wants(t, ctl.ExitOK, []string{
			"--- r1 version " + all[2].VersionID, "+++ r1 version ", "\n~ /price  12345678901234567890 → 12345678901234567891\n",
			"\n- /tags/1  \"b\"\n", "\n+ /new  {\"<x>\":1.10}\n", "\n- /old  true\n",
		}, nil)
		if strings.Contains(got.out, "\x1b") {
			t.Errorf("a pipe gets colors: %q", got.out)
		}
	}
	w.run("diff r1 latest-2 --exit-code").wants(t, ctl.ExitError, []string{"/price"}, nil)
	w.run("diff r1 latest-2 -o jsonl").wants(t, ctl.ExitOK, []string{
		`{"op":"test","path":"/price","value":12345678901234567890}` + "\n" + `{"op":"replace","path":"/price","value":12345678901234567891}` + "\n",
	}, nil)
	w.run("diff r1 -o json").wants(t, ctl.ExitOK, []string{"[]\n"}, nil)
	w.run("diff r1 latest-7").wants(t, ctl.ExitRefused, nil, []string{"no version latest-7", "`replayctl history r1`"})
	w.run("diff r2").wants(t, ctl.ExitRefused, nil, []string{"no resource r2"})
	w.run("diff r1 a b c").wants(t, ctl.ExitUsage, nil, nil)

	w.process.Terminal.Out = true
	w.run("diff r1 latest-2").wants(t, ctl.ExitOK, []string{"\x1b[33m~ /price", "\x1b[31m- /old", "\x1b[32m+ /new"}, nil)
}
