package autoreplay

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/internal/tracker"
	"github.com/ce873799/replayable-ingestion/replay"
)

// replayBatch is how many open replays, and how many open series of one shard, a run looks at.
const replayBatch = 25

// reconcileReplays looks after replays and series that are open for long: a message may have been lost with whoever was
// to send it, and the end of a series may never have been reported.
func (j *Job) reconcileReplays(ctx context.Context, sum *Summary) error {
	by := j.now().Add(-j.settleAfter)
	open, err := j.Book.OpenReplays(ctx, by, replayBatch)
	if err != nil {
		return err
	}
	for _, r := range open {
		err := errors.Join(j.lookAfter(ctx, r), j.Book.CheckReplayLater(ctx, r, j.now()))
		if err != nil {
			sum.Errors++
			j.Logger.ErrorContext(ctx, "open replay not looked after", "replayId", r.ID, "error", err)
		}
	}
	for shard := range ledger.Shards {
		series, err := j.Book.OpenSeries(ctx, shard, by, replayBatch)
		if err != nil {
			return err
		}
		for _, s := range series {
			err := errors.Join(j.lookAfterSeries(ctx, s), j.Book.CheckSeriesLater(ctx, s.Name, j.now()))
			if err != nil {
				sum.Errors++
				j.Logger.ErrorContext(ctx, "open series not looked after", "execution", s.Name, "error", err)
			}
		}
	}
	return nil
}

// lookAfter sends the first message of a replay again that nobody has begun, and ends one that only nobody has ended.
func (j *Job) lookAfter(ctx context.Context, r ledger.Replay) error {
	if r.Status == replay.Pending {
		return j.Replays.Send(ctx, message.Replay{Kind: message.KindExpand, ReplayID: r.ID}.Encode())
	}
	return j.Board.Look(ctx, r.ID, j.now())
}

func (j *Job) lookAfterSeries(ctx context.Context, s ledger.Series) error {
	d, err := j.Series.Describe(ctx, s.Name)
	if errors.Is(err, states.ErrNotFound) {
		if j.now().Sub(s.CreatedAt.Time) < messageLife { // its start is in the Replay queue
			return nil
		}
		d.Ended, err = ledger.Ended{Name: s.Name, Status: ledger.Aborted}, nil
	}
	if err != nil || !d.Status.Terminal() {
		return err
	}
	return j.Replays.Send(ctx, tracker.Close(d.Ended))
}

// halt ends a replay whose selection cannot be found out.
func (j *Job) halt(ctx context.Context, msg message.Replay, why string) error {
	err := j.Board.Stop(ctx, msg.ReplayID, replay.Stop{
		Status: replay.Halted, At: j.now(), Reason: fmt.Sprintf("page %d: %s", msg.Page, why),
	})
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	return err
}
