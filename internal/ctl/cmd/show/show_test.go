package show_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

const (
	before = `{"id":"r1","owner":"o1","price":12345678901234567890,"tags":["a","b","c"],"old":true}`
	after  = `{"id":"r1","owner":"o1","price":12345678901234567891,"tags":["a","c"],"new":{"<x>":1.10}}`
)

func TestAnEventIntoAPipeEndsWithANewline(t *testing.T) {
	w := operator.New(t)
	w.Event("first", before)
	time.Sleep(2 * time.Millisecond)
	between := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	time.Sleep(2 * time.Millisecond)
	w.Event("second", after)
	w.Event("mail", `{"id":"ada@example.com","owner":"o1","n":1}`)
	all := w.VersionsOf("r1")
	for line, want := range map[string]string{
		"r1":                                   after,
		"r1@latest":                            after,
		"r1@latest-1":                          before,
		"r1@" + all[1].VersionID:               before,
		"r1@" + between:                        before,
		"r1 --version " + all[1].VersionID:     before,
		"r1 --version latest-1":                before,
		"r1 --raw=false":                       after,
		"r1 -o jsonl":                          after,
		"ada@example.com":                      `{"id":"ada@example.com","owner":"o1","n":1}`,
		"ada@example.com@latest":               `{"id":"ada@example.com","owner":"o1","n":1}`,
		"ada@example.com --version latest":     `{"id":"ada@example.com","owner":"o1","n":1}`,
		"ada@example.com@latest-0 --raw=false": `{"id":"ada@example.com","owner":"o1","n":1}`,
	} {
		if got := w.Run("show " + line); got.Code != exit.OK || got.Out != want+"\n" || got.Err != "" {
			t.Errorf("%s: got %d, %q, %q, want %q", line, got.Code, got.Out, got.Err, want)
		}
	}
	for _, line := range []string{"show r1 --raw", "show r1@latest --raw"} {
		if got := w.Run(line); got.Out != after {
			t.Errorf("%s: got %q, want the bytes alone", line, got.Out)
		}
	}
	w.Run("show r1 -o json").Wants(t, exit.OK, []string{"{\n  \"id\": \"r1\",", `"price": 12345678901234567891`, `"<x>": 1.10`}, nil)
	for line, want := range map[string]string{
		"r2":                     "the event log has no resource r2",
		"r2@latest":              "the event log has no resource r2",
		"r1@latest-2":            "r1 has 2 versions, and no version latest-2",
		"r1@nope":                "r1 has no version nope",
		"r1@10d":                 "r1 had no version yet at ",
		"r1 --version=nope":      "r1 has no version nope",
		"r1@latest --version=~1": "the event log has no resource r1@latest",
	} {
		w.Run("show "+line).Wants(t, exit.Refused, nil, []string{want})
	}
}

func TestShowOnATerminalIsReadable(t *testing.T) {
	w := operator.New(t)
	w.Event("first", "{\"id\":\"r1\",\"owner\":\"o1\",\"evil\":\"\u009b2J \u202e\",\"a\":{\"b\":[1,2.50]}}")
	w.Process.Terminal.Out, w.Process.Terminal.Err = true, true
	got := w.Run("show r1")
	got.Wants(t, exit.OK, []string{"\x1b[36m\"a\"\x1b[0m: {\n", `"\u009b2J \u202e"`, "2.50"}, []string{"r1 version ", "SUCCEEDED"})
	if strings.ContainsAny(got.Out, "\u009b\u202e") {
		t.Errorf("the event steers the terminal: %q", got.Out)
	}
	got = w.Run("show r1 --no-color")
	if strings.Contains(got.Out, "\x1b") || !strings.Contains(got.Out, "  \"a\": {\n    \"b\": [\n") {
		t.Errorf("got %q", got.Out)
	}
	if got = w.Run("show r1 --raw"); !strings.HasPrefix(got.Out, `{"id":"r1","owner"`) {
		t.Errorf("--raw: got %q", got.Out)
	}
}

func TestShowOfADeletedResource(t *testing.T) {
	w := operator.New(t)
	w.Event("first", before)
	w.Engine.Bucket.Delete("events/r1")
	w.Run("show r1").Wants(t, exit.OK, []string{before}, nil)
	w.Run("history r1").Wants(t, exit.OK, []string{"DELETED", "SUCCEEDED"}, nil)
	marker := w.VersionsOf("r1")[0].VersionID
	w.Run("show r1@"+marker).Wants(t, exit.Refused, nil, []string{
		"version " + marker + " of r1 is a delete marker: the object was deleted then, and there is no event",
		"`replayctl show r1 --version latest` prints the newest event", "`replayctl history r1`",
	})
	w.Run("diff r1").Wants(t, exit.Refused, nil, []string{"r1 has 1 version, and no version latest-1"})
}
