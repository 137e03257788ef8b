package diff_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

const (
	before = `{"id":"r1","owner":"o1","price":12345678901234567890,"tags":["a","b","c"],"old":true}`
	after  = `{"id":"r1","owner":"o1","price":12345678901234567891,"tags":["a","c"],"new":{"<x>":1.10}}`
)

func TestDiffShowsWhatChanged(t *testing.T) {
	w := operator.New(t)
	w.Event("first", before)
	w.Event("second", after)
	w.Event("third", after)
	all := w.VersionsOf("r1")
	w.Run("diff r1").Wants(t, exit.OK, nil, []string{"no difference between versions " + all[1].VersionID + " and " + all[0].VersionID})
	w.Run("diff r1 --exit-code").Wants(t, exit.OK, nil, nil)

	for _, line := range []string{"latest-2", "latest-2 latest-1", all[2].VersionID, all[2].VersionID + " " + all[1].VersionID} {
		got := w.Run("diff r1 " + line)
		got.Wants(t, exit.OK, []string{
			"--- r1 version " + all[2].VersionID, "+++ r1 version ", "\n~ /price  12345678901234567890 → 12345678901234567891\n",
			"\n- /tags/1  \"b\"\n", "\n+ /new  {\"<x>\":1.10}\n", "\n- /old  true\n",
		}, nil)
		if strings.Contains(got.Out, "\x1b") {
			t.Errorf("a pipe gets colors: %q", got.Out)
		}
	}
	w.Run("diff r1 latest-2 --exit-code").Wants(t, exit.General, []string{"/price"}, nil)
	w.Run("diff r1 latest-2 -o jsonl").Wants(t, exit.OK, []string{
		`{"op":"test","path":"/price","value":12345678901234567890}` + "\n" + `{"op":"replace","path":"/price","value":12345678901234567891}` + "\n",
	}, nil)
	w.Run("diff r1 -o json").Wants(t, exit.OK, []string{"[]\n"}, nil)
	w.Run("diff r1 latest-7").Wants(t, exit.Refused, nil, []string{"no version latest-7", "`replayctl history r1`"})
	w.Run("diff r2").Wants(t, exit.Refused, nil, []string{"no resource r2"})
	w.Run("diff r1 a b c").Wants(t, exit.Usage, nil, nil)

	w.Process.Terminal.Out = true
	w.Run("diff r1 latest-2").Wants(t, exit.OK, []string{"\x1b[33m~ /price", "\x1b[31m- /old", "\x1b[32m+ /new"}, nil)
}
