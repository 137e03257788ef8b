// Package progress moves the items of replays, and the replays' counters with them.
package progress

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

type book interface {
	Item(ctx context.Context, replayID string, page, ordinal int) (ledger.Item, error)
	ChangeItems(ctx context.Context, replayID string, changes []ledger.ItemChange) error
	CompleteReplay(ctx context.Context, id string, at ledger.Stamp) error
}

// Step is what happened to an item.
type Step struct {
	ReplayID string
	Page     int
	Ordinal  int
	To       replay.Outcome
	Reason   string
	ARN      string // of the item's execution; empty if it was never started
	At       time.Time
}

// Board takes steps.
type Board struct {
	book book
}

// New returns a Board over the ledger.
func New(book book) *Board { return &Board{book: book} }

const rounds = 4 // a lost race means that somebody else moved an item, which each item allows twice

// Take applies steps of any number of replays: each replay's counters move once. Steps back are left out: an item
// moves from WAITING through STARTED to a final outcome. The result maps a replay to the error that kept its steps
// from being taken; the others were taken.
func (b *Board) Take(ctx context.Context, steps []Step) map[string]error {
	byReplay := map[string][]Step{}
	for _, s := range steps {
		byReplay[s.ReplayID] = append(byReplay[s.ReplayID], s)
	}
	failed := map[string]error{}
	for id, steps := range byReplay {
		for len(steps) > 0 {
			n := min(len(steps), ledger.MaxItemChanges)
			if err := b.take(ctx, id, steps[:n]); err != nil {
				failed[id] = err
				break
			}
			steps = steps[n:]
		}
	}
	return failed
}

func (b *Board) take(ctx context.Context, id string, steps []Step) error {
	for range rounds {
		changes, final, err := b.changes(ctx, steps)
		if err != nil {
			return err
		}
		if len(changes) > 0 {
			err = b.book.ChangeItems(ctx, id, changes)
		}
		if errors.Is(err, ledger.ErrConflict) {
			continue
		}
		if err != nil || !final {
			return err
		}
		return b.book.CompleteReplay(ctx, id, ledger.At(steps[0].At))
	}
	return fmt.Errorf("items of replay %s: %w", id, ledger.ErrConflict)
}

// changes reads the items and keeps the steps that lead forward. Final tells that the replay may be complete, also
// when nothing is left to change: an earlier delivery may have died before it looked.
func (b *Board) changes(ctx context.Context, steps []Step) (changes []ledger.ItemChange, final bool, err error) {
	seen := map[[2]int]int{}
	for _, s := range steps {
		final = final || s.To.Final()
		at := [2]int{s.Page, s.Ordinal}
		if i, again := seen[at]; again { // two deliveries in one batch
			if s.To.Final() && !changes[i].To.Final() {
				changes[i].To, changes[i].Reason, changes[i].At = s.To, s.Reason, ledger.At(s.At)
			}
			continue
		}
		item, err := b.book.Item(ctx, s.ReplayID, s.Page, s.Ordinal)
		if err != nil {
			return nil, false, err
		}
		if item.Outcome.Final() || item.Outcome == s.To {
			continue
		}
		seen[at] = len(changes)
		changes = append(changes, ledger.ItemChange{Item: item, To: s.To, Reason: s.Reason, ARN: s.ARN, At: ledger.At(s.At)})
	}
	return changes, final, nil
}
