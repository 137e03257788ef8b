package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// failureGroups counts the failures that have not healed, by status, error and state.
func (a *API) failureGroups(ctx context.Context, req request) (answer, error) {
	now := a.now()
	counted, partial, err := a.book.Failures.CountNow(ctx, now)
	if err != nil {
		return answer{}, err
	}
	body := replay.FailureGroups{
		Groups: make([]replay.FailureGroup, len(counted.Groups)), CountedAt: counted.At.Time, Others: counted.Others, Partial: partial,
	}
	for i, g := range counted.Groups {
		body.Groups[i] = replay.FailureGroup{
			Status: g.Status, Error: g.Error, State: g.State, Count: g.Count, FirstAt: g.FirstAt.Time, LastAt: g.LastAt.Time,
			NextAt: g.DueAt.Pointer(),
		}
	}
	if err := a.addTrend(ctx, &body); err != nil {
		return answer{}, err
	}
	if err := a.addSamples(ctx, counted.Groups, body.Groups); err != nil {
		return answer{}, err
	}
	if err := a.addProbes(ctx, body.Groups); err != nil {
		return answer{}, err
	}
	if a.DeadLetters != nil {
		n, err := a.DeadLetters.Waiting(ctx)
		if err != nil { // the rest is useful without it
			a.logger.WarnContext(ctx, "dead letters not counted", "error", err)
		} else {
			body.NotTakenIn = &n
		}
	}
	return answer{status: http.StatusOK, body: body}, nil
}

// addSamples shows the latest failure of each group, unless it has moved on since it was counted.
func (a *API) addSamples(ctx context.Context, counted []domain.FailureGroup, groups []replay.FailureGroup) error {
	latest := make([]string, len(counted))
	for i, g := range counted {
		latest[i] = g.Latest
	}
	rows, err := a.book.Failures.Find(ctx, latest)
	if err != nil {
		return err
	}
	byKey := make(map[string]domain.Failure, len(rows))
	for _, f := range rows {
		byKey[f.ID()] = f
	}
	for i, g := range counted {
		f, found := byKey[g.Latest]
		if !found || f.ListedAs() != g.Status {
			continue
		}
		sample := failure(f)
		groups[i].Sample = &sample
		groups[i].Error, groups[i].State = f.Error, f.State // the counted ones may be cut
	}
	return nil
}

// addProbes adds when the next probe of held failures is sent: their own time is when they are given up.
func (a *API) addProbes(ctx context.Context, groups []replay.FailureGroup) error {
	for i, g := range groups {
		switch g.Status {
		case replay.FailureHeld:
			row, err := a.book.Storms.Get(ctx, g.Error)
			if err != nil && !errors.Is(err, ledger.ErrNotFound) {
				return err
			}
			groups[i].NextAt = row.NextAt.Pointer()
		case replay.FailureRetrying: // checking whether it still runs is not an attempt
			groups[i].NextAt = nil
		}
	}
	return nil
}

// addTrend adds the counts of a while ago.
func (a *API) addTrend(ctx context.Context, body *replay.FailureGroups) error {
	ago := body.CountedAt.Add(-replay.TrendSpan)
	before, err := a.book.Failures.Counted(ctx, ago.Add(-replay.TrendSpan), ago)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	type name struct {
		status       replay.FailureStatus
		error, state string
	}
	counts := make(map[name]int, len(before.Groups))
	for _, g := range before.Groups {
		counts[name{g.Status, g.Error, g.State}] = g.Count
	}
	body.BeforeAt = &before.At.Time
	for i, g := range body.Groups {
		n, known := counts[name{g.Status, g.Error, g.State}]
		if known || before.Others == 0 { // it may have been among the others
			body.Groups[i].Before = &n
		}
	}
	return nil
}
