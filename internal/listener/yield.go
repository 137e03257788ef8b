package listener

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// giveWay halves the pace of all replays. If that cannot be recorded, the next throttled start tries again.
func (l *Listener) giveWay(ctx context.Context) {
	now := l.now()
	c, err := l.controls(ctx)
	if err == nil {
		var changed bool
		if c, changed = c.Yield(now); !changed {
			return
		}
		var noted bool
		if noted, err = l.Book.Controls.Yield(ctx, c, domain.At(now.Add(-domain.YieldAgain))); err == nil {
			_, err = l.freshControls(ctx)
		}
		if noted {
			l.Logger.WarnContext(ctx, "starts throttled: the pace of all replays is halved", "share", c.Pace(now))
		}
	}
	if err != nil {
		l.Logger.WarnContext(ctx, "replays do not give way", "error", err)
	}
}

// budget is the budget of a replay, less what it leaves to live traffic.
func (l *Listener) budget(ctx context.Context, r domain.Replay) (b ledger.Budget, c ledger.Claimant, paced bool, err error) {
	b, c, paced = l.Pace.budget(r)
	if !paced || r.IgnorePauseAlarm || r.Action == replay.Republish {
		return b, c, paced, nil
	}
	now, err := l.controls(ctx)
	b.StartsPerSecond *= now.Pace(l.now())
	return b, c, paced, err
}
