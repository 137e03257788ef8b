// Package progress moves the items of replays, and the replays' counters with them.
package progress

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

type items interface {
	At(ctx context.Context, replayID string, positions []domain.Position) (map[domain.Position]domain.Item, error)
	Change(ctx context.Context, replayID string, changes []domain.ItemChange) error
}

type replays interface {
	Get(ctx context.Context, id string) (domain.Replay, error)
	Count(ctx context.Context, r domain.Replay) (domain.Replay, error)
	Stop(ctx context.Context, id string, stop replay.Stop) (domain.Replay, error)
	MarkSweeping(ctx context.Context, id string, at domain.Stamp) error
	BeginResend(ctx context.Context, r domain.Replay, at domain.Stamp) (domain.Replay, error)
	Finish(ctx context.Context, r domain.Replay, at domain.Stamp) error
	PauseRamp(ctx context.Context, r domain.Replay, p replay.Pause) error
	NextStep(ctx context.Context, r domain.Replay) (domain.Replay, error)
}

type sender interface {
	Send(ctx context.Context, bodies ...string) error
}

// Transition is what happened to an item.
type Transition struct {
	ReplayID  string
	Page      int
	Ordinal   int
	Index     int
	To        replay.Outcome
	Reason    string
	Version   string // where it is known and not bound
	Resource  string // the same
	Diff      string // of a plan
	Warning   string // of a plan
	Digest    string // of a plan
	ARN       string // of the item's execution; empty if it was never started
	Execution string // without ARN: the execution that the item was bound to when this was decided
	At        time.Time
}

// OutputNotSent is the reason of an item that a republish gives up: the execution that it is bound to ran long ago, and
// does not tell whether its output was sent again.
func OutputNotSent(why string) string {
	return "OutputNotSent: " + why + ", and it is not known whether the output was sent"
}

// Replays applies transitions of items to replays.
type Replays struct {
	items   items
	replays replays
	queue   sender
	now     func() time.Time // when a replay ends: after all that its items report, whose times are others'
}

// New returns the progress of replays over the ledger and the Replay queue.
func New(items items, replays replays, queue sender) *Replays {
	return &Replays{items: items, replays: replays, queue: queue, now: time.Now}
}

const rounds = 4 // a lost race means that another delivery moved an item, which each item allows twice

// Apply applies transitions of any number of replays, those of each replay at once. It leaves out transitions back: an
// item moves from WAITING through STARTED to a final outcome. The result maps a replay to the error that kept its
// transitions from being applied, also one for which no time is left; the others were applied.
func (p *Replays) Apply(ctx context.Context, transitions []Transition) map[string]error {
	byReplay := map[string][]Transition{}
	for _, t := range transitions {
		byReplay[t.ReplayID] = append(byReplay[t.ReplayID], t)
	}
	ids := slices.Collect(maps.Keys(byReplay))
	_, results := errs.EachWithinDeadline(ctx, ids, func(ctx context.Context, id string) (none struct{}, err error) {
		for batch := range slices.Chunk(byReplay[id], ledger.MaxItemChanges) {
			if err := p.applyAndComplete(ctx, id, batch); err != nil {
				return none, err
			}
		}
		return none, nil
	})
	failed := map[string]error{}
	for i, err := range results {
		if err != nil {
			failed[ids[i]] = err
		}
	}
	return failed
}

func (p *Replays) applyAndComplete(ctx context.Context, id string, transitions []Transition) error {
	final, err := p.ApplyTo(ctx, id, transitions)
	if err != nil || !final {
		return err
	}
	return p.CompleteIfDone(ctx, id, transitions[0].At)
}

// ApplyTo applies at most ledger.MaxItemChanges transitions of one replay. Final tells that the caller must look
// whether the replay is complete.
func (p *Replays) ApplyTo(ctx context.Context, id string, transitions []Transition) (final bool, err error) {
	for range rounds {
		var changes []domain.ItemChange
		if changes, final, err = p.changes(ctx, id, transitions); err != nil {
			return false, err
		}
		if len(changes) > 0 {
			err = p.items.Change(ctx, id, changes)
		}
		if errors.Is(err, ledger.ErrConflict) {
			continue
		}
		return final, err
	}
	return false, fmt.Errorf("items of replay %s: %w", id, ledger.ErrConflict)
}

// CompleteIfDone ends a replay if every item has its outcome, halts one with too many failures, and goes on with a
// ramp.
func (p *Replays) CompleteIfDone(ctx context.Context, id string, now time.Time) error {
	r, err := p.replays.Get(ctx, id)
	if err != nil || r.Status.Final() {
		return err
	}
	if r.Expanded || r.MaxFailures != nil || r.Ramped() {
		if r, err = p.replays.Count(ctx, r); err != nil {
			return err
		}
	}
	if r.TooManyFailed() && !r.Stopped() {
		stop := replay.Stop{
			Status: replay.Halted, At: now,
			Reason: r.ReasonToStop(fmt.Sprintf("%d items failed, maxFailures is %d", r.Failed, *r.MaxFailures)),
		}
		if err := p.Stop(ctx, id, stop); !errors.Is(err, ledger.ErrConflict) {
			return err
		}
	}
	if r.Done() {
		return p.finish(ctx, r)
	}
	if r.Stopped() && !r.Swept && now.Sub(r.SweepAt.Time) >= SweepAgain { // the sender of the message may have died
		return p.sweep(ctx, r, now)
	}
	return p.climb(ctx, r, now)
}

// SweepAgain is how long nothing must have been swept until a sweep is taken up by another message. Every item that is
// skipped meanwhile leads to a look.
const SweepAgain = time.Minute

// sweep sends the message that begins a sweep, or takes it up where it was left.
func (p *Replays) sweep(ctx context.Context, r domain.Replay, now time.Time) error {
	msg := protocol.ReplayMessage{Kind: protocol.KindSweep, ReplayID: r.ID, Cursor: r.SweptTo}
	if err := p.queue.Send(ctx, msg.Encode()); err != nil {
		return err
	}
	return p.replays.MarkSweeping(ctx, r.ID, domain.At(now))
}

// Stop lets nothing more of a replay start and has what waits skipped. It returns ErrConflict for a replay that has
// ended or was stopped before.
func (p *Replays) Stop(ctx context.Context, id string, stop replay.Stop) error {
	r, err := p.replays.Stop(ctx, id, stop)
	if err != nil {
		return err
	}
	if r, err = p.replays.Count(ctx, r); err != nil {
		return err
	}
	if r.Done() {
		return p.finish(ctx, r)
	}
	return p.sweep(ctx, r, stop.At)
}

// finish ends a replay and has its evidence written.
func (p *Replays) finish(ctx context.Context, r domain.Replay) error {
	if err := p.replays.Finish(ctx, r, domain.At(p.now())); err != nil || r.DryRun {
		return err
	}
	p.sendEvidence(ctx, r.ID)
	return nil
}

// evidenceWithin is how long the message about a replay's end may take.
const evidenceWithin = 2 * time.Second

// sendEvidence sends the message that has evidence written. If that fails or takes long, auto-replay sends it: what was
// done counts, and a slow queue must not keep ends from being recorded.
func (p *Replays) sendEvidence(ctx context.Context, id string) {
	limit := evidenceWithin
	if end, limited := ctx.Deadline(); limited {
		limit = min(limit, time.Until(end)/4)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		defer cancel()
		_ = p.queue.Send(ctx, protocol.ReplayMessage{Kind: protocol.KindEvidence, ReplayID: id}.Encode())
	}()
	select {
	case <-sent:
	case <-ctx.Done():
	}
}

// changes reads the items and keeps the transitions that lead forward. Final tells that the replay may be complete,
// also when nothing is left to change: an earlier delivery may have died before it looked.
func (p *Replays) changes(
	ctx context.Context, id string, transitions []Transition,
) (changes []domain.ItemChange, final bool, err error) {
	positions := make([]domain.Position, len(transitions))
	for i, t := range transitions {
		positions[i] = domain.Position{Page: t.Page, Ordinal: t.Ordinal, Index: t.Index}
	}
	items, err := p.items.At(ctx, id, positions)
	if err != nil {
		return nil, false, err
	}
	seen := map[domain.Position]int{}
	for i, t := range transitions {
		final = final || t.To.Final()
		at := positions[i]
		item := items[at]
		if t.ARN == "" && item.Execution != t.Execution {
			continue // another delivery bound it meanwhile: it starts
		}
		if i, again := seen[at]; again { // two deliveries in one batch
			if t.To.Final() && !changes[i].To.Final() {
				changes[i].To, changes[i].Reason, changes[i].At = t.To, t.Reason, domain.At(t.At)
			}
			continue
		}
		if item.Outcome.Final() || item.Outcome == t.To {
			continue
		}
		seen[at] = len(changes)
		changes = append(changes, domain.ItemChange{
			Item: item, To: t.To, Reason: t.Reason, VersionID: t.Version, ResourceID: t.Resource, Diff: t.Diff, Warning: t.Warning,
			Digest: t.Digest, ARN: t.ARN, At: domain.At(t.At),
		})
	}
	return changes, final, nil
}
