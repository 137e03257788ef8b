// Package failurejob closes and reopens failures that a person has selected, a page at a time.
//
// A job changes what it selects when it is requested. A failure that gets its status later is left alone: what fails
// meanwhile must not be hidden. Messages of the Replay queue work off the parts of a job side by side. One transaction
// changes a page and notes how far the part is, so a message that is delivered twice counts nothing twice.
package failurejob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

type sender interface {
	Send(ctx context.Context, bodies ...string) error
}

type superseding interface {
	NewerSuccess(ctx context.Context, failures []domain.Failure) ([]domain.Stamp, error)
}

// Worker works off jobs.
type Worker struct {
	book        *ledger.Ledger
	superseding superseding
	queue       sender
	logger      *slog.Logger
}

// New returns a worker. A nil logger discards.
func New(book *ledger.Ledger, superseding superseding, queue sender, logger *slog.Logger) *Worker {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Worker{book: book, superseding: superseding, queue: queue, logger: logger}
}

// Begin adds a job, unless it is there, and sends a message for each part.
func (w *Worker) Begin(ctx context.Context, j domain.FailureJob, q replay.FailureQuery) (domain.FailureJob, error) {
	selection, err := json.Marshal(q)
	if err != nil {
		return j, fmt.Errorf("encode selection: %w", err)
	}
	j.Select, j.Parts = string(selection), ledger.Parts(Filter(q))
	if j, err = w.book.FailureJobs.Add(ctx, j); err != nil && !errors.Is(err, ledger.ErrConflict) {
		return j, err
	}
	bodies := make([]string, j.Parts)
	for part := range bodies {
		bodies[part] = protocol.ReplayMessage{Kind: protocol.KindJob, JobID: j.ID, Part: part}.Encode()
	}
	return j, w.queue.Send(ctx, bodies...)
}

const (
	// pages is how many pages of a part one message works off.
	pages = 5
	// rounds is how often a page is read again because one of its failures has changed meanwhile.
	rounds = 5
)

// Advance goes on with a part of a job, and sends a message for what is left.
func (w *Worker) Advance(ctx context.Context, jobID string, part int) error {
	j, parts, err := w.book.FailureJobs.Get(ctx, jobID)
	if err != nil {
		return err
	}
	p := domain.FailureJobPart{Number: part}
	for _, known := range parts {
		if known.Number == part {
			p = known
		}
	}
	var q replay.FailureQuery
	if err := json.Unmarshal([]byte(j.Select), &q); err != nil {
		return fmt.Errorf("decode selection of job %s: %w", j.ID, err)
	}
	before := p.Count
	for range pages {
		if p.Done {
			break
		}
		if p, err = w.page(ctx, j, q, p); err != nil {
			return err
		}
	}
	w.logger.InfoContext(ctx, "failures of a job changed", "jobId", j.ID, "action", j.Action, "dryRun", j.DryRun, "part", part,
		"changed", p.Count-before, "done", p.Done)
	if p.Done {
		return nil
	}
	return w.queue.Send(ctx, protocol.ReplayMessage{Kind: protocol.KindJob, JobID: j.ID, Part: part}.Encode())
}

// page works off the next page of a part, and returns how far the part is then.
func (w *Worker) page(
	ctx context.Context, j domain.FailureJob, q replay.FailureQuery, p domain.FailureJobPart,
) (domain.FailureJobPart, error) {
	filter := Filter(q)
	matches := filter.Match
	filter.Match = func(f domain.Failure) bool {
		return !f.ChangedAt.After(j.AskedAt.Time) && (matches == nil || matches(f))
	}
	for range rounds {
		next := p
		failures, cursor, err := w.book.Failures.ListPart(ctx, filter, p.Number, p.Cursor, ledger.MaxJobMoves)
		if err != nil {
			return p, err
		}
		if q.Superseded {
			if failures, err = w.superseded(ctx, failures); err != nil {
				return p, err
			}
		}
		next.Cursor, next.Done, next.Count = cursor, cursor == "", p.Count+len(failures)
		if j.DryRun {
			failures = nil
		}
		err = w.book.FailureJobs.Advance(ctx, j, next, failures)
		if err == nil {
			next.Revision++
			return next, nil
		}
		if !errors.Is(err, ledger.ErrConflict) {
			return p, err
		}
		// A failure has moved on, and is read anew; or another delivery of the message was faster.
		if p, err = w.part(ctx, j, p); err != nil || p.Done {
			return p, err
		}
	}
	return p, fmt.Errorf("part %d of job %s: %w", p.Number, j.ID, ledger.ErrConflict)
}

// part reads how far a part is.
func (w *Worker) part(ctx context.Context, j domain.FailureJob, p domain.FailureJobPart) (domain.FailureJobPart, error) {
	_, parts, err := w.book.FailureJobs.Get(ctx, j.ID)
	for _, known := range parts {
		if known.Number == p.Number {
			return known, err
		}
	}
	return p, err
}

// superseded keeps the failures whose resource has a newer event that has succeeded.
func (w *Worker) superseded(ctx context.Context, failures []domain.Failure) (kept []domain.Failure, err error) {
	since, err := w.superseding.NewerSuccess(ctx, failures)
	if err != nil {
		return nil, err
	}
	for i, f := range failures {
		if !since[i].IsZero() {
			kept = append(kept, f)
		}
	}
	return kept, nil
}
