package autoreplay

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// replayBatch is how many open replays, and how many open series of one shard, a run checks.
const replayBatch = 25

// reconcileReplays checks replays and series that have been open for long: a message may have been lost, or the end of
// a series may never have been reported.
func (r *run) reconcileReplays(ctx context.Context) error {
	by := r.Now().Add(-r.policy.SettleAfter)
	open, err := r.Book.Replays.Open(ctx, by, replayBatch)
	if err != nil {
		return err
	}
	for _, row := range open {
		err := errors.Join(r.lookAfter(ctx, row), r.Book.Replays.CheckLater(ctx, row, r.Now()))
		if err != nil && !errors.Is(err, sfn.ErrBusy) {
			r.sum.Errors++
			r.Logger.Log(ctx, errs.Level(err), "open replay not looked after", "replayId", row.ID, "error", err)
		}
	}
	for shard := range ledger.Shards {
		series, err := r.Book.Series.Open(ctx, shard, by, replayBatch)
		if err != nil {
			return err
		}
		for _, s := range series {
			err := errors.Join(r.lookAfterSeries(ctx, s), r.Book.Series.CheckLater(ctx, s.Name, r.Now()))
			if err != nil && !errors.Is(err, sfn.ErrBusy) {
				r.sum.Errors++
				r.Logger.Log(ctx, errs.Level(err), "open series not looked after", "execution", s.Name, "error", err)
			}
		}
	}
	return nil
}

// lookAfter continues a replay whose messages were lost. It sends the first message again if the replay is pending,
// ends the replay if all its items have ended, and asks for missing evidence.
func (r *run) lookAfter(ctx context.Context, row domain.Replay) error {
	if r.pauses(row) { // its messages have left the queue
		return r.Progress.CompleteIfDone(ctx, row.ID, r.Now())
	}
	if err := r.Progress.GoOn(ctx, row.ID, r.Now(), domain.ResendAgain); err != nil {
		return err
	}
	if row.Status == replay.Pending {
		return r.Replays.Send(ctx, protocol.ReplayMessage{Kind: protocol.KindExpand, ReplayID: row.ID}.Encode())
	}
	if row.Status.Final() { // its evidence is missing
		return r.Replays.Send(ctx, protocol.ReplayMessage{Kind: protocol.KindEvidence, ReplayID: row.ID}.Encode())
	}
	return r.Progress.CompleteIfDone(ctx, row.ID, r.Now())
}

func (r *run) lookAfterSeries(ctx context.Context, s domain.Series) error {
	if s.Parked {
		return r.lookAfterParked(ctx, s)
	}
	d, err := r.Series.Describe(ctx, s.Execution())
	if errors.Is(err, sfn.ErrNotFound) {
		if s.Closed { // it was given up, and the message that should have ended it got lost
			return r.Replays.Send(ctx, closeGivenUp(s.Execution()))
		}
		if r.Now().Sub(later(s.CreatedAt.Time, s.UnparkedAt.Time)) < messageLife { // its start is in the Replay queue
			return nil
		}
		d.Ended, err = domain.Ended{Name: s.Execution(), Status: domain.Aborted}, nil
	}
	if err != nil || !d.Status.Terminal() {
		return err
	}
	return r.closeSeries(ctx, d.Ended)
}

// lookAfterParked looks after a series that a pause ended. It closes the series if the replay was stopped meanwhile,
// and continues it if the replay was resumed.
func (r *run) lookAfterParked(ctx context.Context, s domain.Series) error {
	row, err := r.Book.Replays.Get(ctx, s.ReplayID)
	switch {
	case err != nil:
		return err
	case row.Stopped() || row.Status.Final():
		return r.Replays.Send(ctx, closeGivenUp(s.Execution()))
	case r.pauses(row):
		return nil
	}
	return r.Replays.Send(ctx, protocol.ReplayMessage{
		Kind: protocol.KindItem, ReplayID: s.ReplayID, Page: s.Page, Ordinal: s.Ordinal,
	}.Encode())
}

// pauses reports whether a replay is paused, by itself or with all others.
func (r *run) pauses(row domain.Replay) bool { return row.Paused() || r.controls.Pausing(row) != nil }

// halt ends a replay whose selection cannot be expanded.
func (r *run) halt(ctx context.Context, msg protocol.ReplayMessage, why string) error {
	err := r.Progress.Stop(ctx, msg.ReplayID, replay.Stop{
		Status: replay.Halted, At: r.Now(), Reason: fmt.Sprintf("page %d: %s", msg.Page, why),
	})
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	return err
}
