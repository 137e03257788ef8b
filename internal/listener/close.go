package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// closeSeries records outcomes for the items that a series has left, after its execution has ended.
func (l *Listener) closeSeries(ctx context.Context, msg protocol.ReplayMessage) error {
	s, err := l.Book.Series.Get(ctx, domain.SeriesOf(msg.Series))
	if err != nil {
		return err
	}
	r, err := l.Book.Replays.Get(ctx, s.ReplayID)
	if err != nil {
		return err
	}
	if msg.Series != s.Execution() || s.Parked && !r.Stopped() {
		return nil // a pause ended it: another execution runs the rest, or will
	}
	reason := msg.Reason
	if r.Stopped() {
		reason = stopped(r)
	}
	return l.recordLeftovers(ctx, msg, r, s, reason)
}

// seriesLookUps is how many executions one message looks up: the quota of DescribeExecution refills at 10 a second, and
// a batch has 10 messages.
const seriesLookUps = 50

// recordLeftovers records the outcome of every item of a series that will not run. An item that still runs gets its
// outcome when it ends.
func (l *Listener) recordLeftovers(
	ctx context.Context, msg protocol.ReplayMessage, r domain.Replay, s domain.Series, reason string,
) error {
	if err := l.Book.Series.AddItems(ctx, s); err != nil { // the replay has counted them since they were bound
		return err
	}
	lookUps := 0
	return l.settleSeries(ctx, msg, s, func(it domain.Item) (moved *progress.Transition, more bool, err error) {
		if it.Execution != "" {
			if lookUps++; lookUps > seriesLookUps {
				return nil, false, nil
			}
		}
		moved, err = l.outcomeOfLeftover(ctx, r, it, reason)
		return moved, true, err
	})
}

// outcomeOfLeftover returns the transition of an item whose series has ended, nil if its execution runs.
func (l *Listener) outcomeOfLeftover(
	ctx context.Context, r domain.Replay, it domain.Item, reason string,
) (*progress.Transition, error) {
	if it.Execution == "" {
		return l.transition(it, replay.Skipped, reason), nil
	}
	if r.Action == replay.Republish {
		return l.transition(it, replay.Failed, progress.OutputNotSent(reason)), nil
	}
	d, err := l.Machine.Describe(ctx, it.Execution)
	switch {
	case errors.Is(err, sfn.ErrNotFound):
		return l.transition(it, replay.Skipped, reason), l.neverStarted(ctx, it.Execution, reason)
	case err != nil:
		return nil, err
	case !d.Status.Terminal():
		return nil, nil
	}
	t := l.transition(it, replay.Succeeded, "")
	if d.Status != domain.Succeeded {
		t.To, t.Reason = replay.Failed, d.Error
	}
	t.ARN, t.At = d.ARN, d.StoppedAt
	return t, nil
}
