package listener

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/replay"
)

// item replays one resource of a replay.
func (l *Listener) item(ctx context.Context, msg message.Replay) (*progress.Step, error) {
	it, err := l.Book.Item(ctx, msg.ReplayID, msg.Page, msg.Ordinal)
	if err != nil {
		return nil, err
	}
	if it.Outcome != replay.Waiting {
		// Started before. Its end may have come while the replay was still expanding, so look whether that was all.
		return l.step(it, it.Outcome, ""), nil
	}
	row, err := l.bound(ctx, it)
	var skip skipped
	if errors.As(err, &skip) {
		return l.step(it, replay.Skipped, skip.reason), nil
	}
	if err != nil {
		return nil, err
	}
	arn, err := l.start(ctx, row)
	if errors.Is(err, errNoVersion) {
		return l.step(it, replay.Skipped, err.Error()), nil
	}
	if err != nil {
		return nil, err
	}
	s := l.step(it, replay.Started, "")
	s.ARN = arn
	return s, nil
}

func (l *Listener) step(it ledger.Item, to replay.Outcome, reason string) *progress.Step {
	return &progress.Step{
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, To: to, Reason: reason, At: l.now(),
	}
}

// skipped says why a guard keeps an item from starting.
type skipped struct{ reason string }

func (s skipped) Error() string { return s.reason }

// bound returns the execution row of an item, after binding its version if no earlier delivery did. A redelivery runs
// the version that was bound first, also when newer events have come since.
func (l *Listener) bound(ctx context.Context, it ledger.Item) (ledger.Execution, error) {
	if it.VersionID != "" {
		return l.Book.Execution(ctx, it.Execution)
	}
	r, err := l.Book.Replay(ctx, it.ReplayID)
	if err != nil {
		return ledger.Execution{}, err
	}
	v, err := l.latest(ctx, it.ResourceID, r.OwnerID)
	if err != nil {
		return ledger.Execution{}, err
	}
	row := ledger.Execution{
		Name: naming.API(it.ReplayID, it.ResourceID, 0), Mode: ledger.API, Status: ledger.Starting,
		ResourceID: it.ResourceID, OwnerID: v.OwnerID, VersionID: v.ID, RecordedAt: ledger.At(v.RecordedAt),
		StartedAt: ledger.At(l.now()), Reason: r.Reason,
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal,
	}
	err = l.Book.Bind(ctx, it, row)
	if !errors.Is(err, ledger.ErrConflict) {
		return row, err
	}
	if it, err = l.Book.Item(ctx, it.ReplayID, it.Page, it.Ordinal); err != nil {
		return ledger.Execution{}, err
	}
	if it.Execution == "" {
		return ledger.Execution{}, skipped{"its outcome was decided by another delivery"}
	}
	return l.Book.Execution(ctx, it.Execution)
}

// latest returns a resource's newest version, or why it is skipped. With an owner, the version must be that owner's.
func (l *Listener) latest(ctx context.Context, resourceID, ownerID string) (eventlog.Version, error) {
	v, err := l.Log.Latest(ctx, resourceID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return v, skipped{"the event log has no such resource"}
	case errors.Is(err, eventlog.ErrDeleted):
		return v, skipped{"its object was deleted from the event log"}
	case err != nil:
		return v, err
	case ownerID != "" && v.OwnerID != ownerID:
		return v, skipped{fmt.Sprintf("its latest event belongs to owner %q", v.OwnerID)}
	}
	if v.RecordedAt.IsZero() {
		v.RecordedAt = v.Modified // put by hand: without metadata
	}
	return v, nil
}
