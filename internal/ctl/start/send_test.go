package start_test

import (
	"net/http"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// An answer may get lost, also that to a request that had its effect.
func TestRequestsAreSentAgainAndHaveOneEffect(t *testing.T) {
	w := operator.New(t)
	n := 0
	w.Gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if n++; n%3 == 0 {
			return false
		}
		if n%3 == 1 { // it arrives, its answer does not
			r.Header = r.Header.Clone()
			w.Gateway.Apply(r)
		}
		gateway.Refuse(rw, http.StatusBadGateway, "", "Bad Gateway")
		return true
	})
	w.Run("replay r1 --reason x").Wants(t, exit.OK, []string{"01"}, nil)
	w.Gateway.Before(nil)
	if all := w.Replays(); len(all) != 1 {
		t.Errorf("got %d replays, want 1", len(all))
	}
}

func TestAnUnknownFateIsTold(t *testing.T) {
	w := operator.New(t)
	w.Gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
		gateway.Refuse(rw, http.StatusBadGateway, "", "Bad Gateway")
		return true
	})
	w.Run("replay r1 --reason x --idempotency-key k1").Wants(t, exit.Unreachable, nil, []string{
		"it may have been accepted", "--idempotency-key k1 returns the same replay"})
	posts := 0
	for _, c := range w.Gateway.Calls() {
		if c == "POST /replays" {
			posts++
		}
	}
	if posts != 5 {
		t.Errorf("asked %d times, want 5", posts)
	}
}
