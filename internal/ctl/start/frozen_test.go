package start_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// timed is what a body says about time.
func timed(t *testing.T, body map[string]any) string {
	t.Helper()
	selected, is := body["select"].(map[string]any)
	if !is {
		t.Fatalf("got %v, want a selection", body)
	}
	b, err := json.Marshal([]any{selected["recorded"], selected["failures"], body["versions"]})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// One command is one request, however long it takes: whatever it sends names the same times.
func TestRelativeTimesOfARequestAreFrozenOnce(t *testing.T) {
	for _, line := range []string{
		"replay -f - --recorded-from 2h --recorded-to 1h --reason x --wait",
		"replay -f - --recorded-from 2h --reason x --yes",
		"replay -f - --recorded-from 2h --reason x --yes --wait --max-items 1500",
		"replay -f - --as-of 1d --allow-stale --dry-run",
		"replay -f - --from 1d12h --to 30m --reason x",
		"replay --failures --since 2h --until 1m --reason x --wait",
		"failures replay --since today --reason x",
		"republish --owner o1 --recorded-from yesterday --reason x",
	} {
		t.Run(line, func(t *testing.T) {
			w := operator.New(t)
			w.Ticking()
			bodies := w.Asked()
			w.Process.In = strings.NewReader(operator.Lines(1_001))
			if got := w.Run(line); got.Code != exit.OK {
				t.Fatalf("got %d: %s", got.Code, got.Err)
			}
			sent := bodies()
			if len(sent) < 2 {
				t.Fatalf("got %d requests, want several", len(sent))
			}
			want := timed(t, sent[0])
			if strings.Contains(want, "-P") || !strings.Contains(want, `Z"`) {
				t.Errorf("got %s, want times that are absolute", want)
			}
			for _, body := range sent[1:] {
				if got := timed(t, body); got != want {
					t.Errorf("got %s, want %s as in the first", got, want)
				}
			}
		})
	}
}

// Both ends of a range count from the same moment, so that 2h and 1h are one hour apart, to the millisecond.
func TestBothEndsOfARangeCountFromOneMoment(t *testing.T) {
	w := operator.New(t)
	w.Ticking()
	for _, line := range []string{"failures --since 2h --until 1h", "failures --detail --since 2h --until 1h"} {
		w.Run(line).Wants(t, exit.OK, nil, nil)
		calls := w.Gateway.Calls()
		var since, until time.Time
		for _, p := range strings.Split(calls[len(calls)-1], "&") {
			name, value, _ := strings.Cut(p, "=")
			at, _ := time.Parse(time.RFC3339Nano, strings.ReplaceAll(value, "%3A", ":"))
			if strings.HasSuffix(name, "since") {
				since = at
			}
			if strings.HasSuffix(name, "until") {
				until = at
			}
		}
		if got := until.Sub(since); got != time.Hour {
			t.Errorf("%s: got %s between its ends, want 1h0m0s: %s", line, got, calls[len(calls)-1])
		}
	}
	w.Run("history r1 --since 1s --until 1s").Wants(t, exit.Usage, nil, []string{"--until must be later than --since"})
}

// The same command under the same key is the same replays, although its relative times would be others now.
func TestACommandThatIsRepeatedKeepsItsTimes(t *testing.T) {
	for _, n := range []int{1, 2_500} {
		w := operator.New(t)
		w.Ticking()
		bodies := w.Asked()
		var ids []string
		for round := range 3 {
			w.Process.In = strings.NewReader(operator.Lines(n))
			got := w.Run("replay -f - --recorded-from 2h --reason x --yes --idempotency-key ticket")
			got.Wants(t, exit.OK, nil, nil)
			if round == 0 {
				ids = strings.Fields(got.Out)
			}
			if again := strings.Fields(got.Out); !slices.Equal(again, ids) {
				t.Errorf("%d ids: got %v, want %v as the first time", n, again, ids)
			}
		}
		if got, want := len(w.Replays()), (n+999)/1000; got != want {
			t.Errorf("%d ids: got %d replays, want %d", n, got, want)
		}
		last := bodies()
		if got, want := timed(t, last[len(last)-1]), timed(t, last[0]); got != want {
			t.Errorf("%d ids: got %s, want %s", n, got, want)
		}
		w.Process.In = strings.NewReader(operator.Lines(n))
		w.Run("replay -f - --recorded-from 3h --reason other --yes --idempotency-key ticket").
			Wants(t, exit.Refused, nil, []string{fmt.Sprintf("%s: use a new key", ids[0])})
	}
}
