package listener

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestDriftIsMarkedOnce(t *testing.T) {
	applies := request{Request: replay.Request{Apply: &replay.Apply{PlanID: "p"}}}
	for _, tt := range []struct {
		name string
		req  request
		vd   *verdict
		want string // the reason
	}{
		{"what keeps a planned item from running", applies, skip("it is gone"), "drift: it is gone"},
		{"what is marked", applies, applies.drift(skip("it is gone")), "drift: it is gone"},
		{"another event than was planned", applies, applies.drift(applies.sameAsPlanned(domain.Item{Digest: "a"}, "v1", "b")), "drift: the transform makes another event of it than was planned"},
		{"a failure is no drift", applies, fail("v1", "NotAnEvent"), "NotAnEvent"},
		{"without a plan nothing drifts", request{}, skip("it is gone"), "it is gone"},
	} {
		if got := tt.req.drift(tt.vd); got.reason != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got.reason, tt.want)
		}
	}
	if got := applies.drift(nil); got != nil {
		t.Errorf("got %+v, want an item without a verdict to go on", got)
	}
}

func TestWhatWaitsHasNoTransition(t *testing.T) {
	l := &Listener{now: time.Now}
	it := domain.Item{ReplayID: "r", Page: 1, Ordinal: 2, Execution: "rp-1"}
	if got := l.decided(it, later); got != nil {
		t.Errorf("got %+v, want none", got)
	}
	got := l.decided(it, started("arn:rp-1"))
	if got == nil || got.To != replay.Started || got.ARN != "arn:rp-1" || got.Execution != "rp-1" || got.Ordinal != 2 {
		t.Errorf("got %+v, want the item started", got)
	}
}
