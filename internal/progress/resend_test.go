package progress

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestAReplayGoesOn(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	at := func(ago time.Duration) domain.Stamp { return domain.At(now.Add(-ago)) }
	tests := []struct {
		name string
		row  domain.Replay
		want *protocol.ReplayMessage
	}{
		{name: "once its messages were let go", row: domain.Replay{Parked: true}, want: &protocol.ReplayMessage{Resend: 1}},
		{name: "again, from the beginning", row: domain.Replay{Parked: true, Resends: 3, ResendAt: at(0), ResendTo: "7#"}, want: &protocol.ReplayMessage{Resend: 4}},
		{name: "not if none was let go", row: domain.Replay{}},
		{name: "not while it is paused", row: domain.Replay{Parked: true, PausedAt: at(time.Hour)}},
		{name: "not after it was cancelled", row: domain.Replay{Parked: true, StopStatus: replay.Cancelled}},
		{name: "not after its end", row: domain.Replay{Parked: true, Status: replay.Completed}},
		{name: "not twice at the same time", row: domain.Replay{Resends: 1, ResendAt: at(30 * time.Second)}},
		{name: "from where a caller died", row: domain.Replay{Resends: 1, ResendAt: at(time.Minute), ResendTo: "7#"}, want: &protocol.ReplayMessage{Resend: 1, Cursor: "7#"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := with()
			m.replay = tt.row
			m.replay.ID = "p"
			if err := New(m, m, m).GoOn(t.Context(), "p", now, domain.ResendAgain); err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.want != nil {
				tt.want.Kind, tt.want.ReplayID = protocol.KindResend, "p"
				want = append(want, tt.want.Encode())
			}
			if len(m.sent) != len(want) || len(want) > 0 && m.sent[0] != want[0] {
				t.Errorf("got %v, want %v", m.sent, want)
			}
		})
	}
}
