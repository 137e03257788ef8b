package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/classify"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// failures lists those of a status, by default the quarantine.
func (a *API) failures(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "status", "error", "state", "cause", "resourceId", "ownerId", "since", "until", "limit", "cursor")
	filter := failureFilter(q.failures(a.now()))
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Failures.List(ctx, filter, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	page := replay.Failures{Failures: make([]replay.Failure, len(rows)), NextCursor: q.next(next)}
	for i, f := range rows {
		page.Failures[i] = failure(f)
	}
	return answer{status: http.StatusOK, body: page}, nil
}

// failures reads which failures are meant.
func (q *query) failures(now time.Time) replay.FailureQuery {
	f := replay.FailureQuery{
		Status: oneOf(q, "status", replay.FailureStatuses()), Error: q.glob("error"), State: q.glob("state"), Cause: q.params["cause"],
	}
	if _, given := q.params["cause"]; given && (f.Cause == "" || len(f.Cause) > replay.MaxTargetBytes) {
		q.fault("cause", fmt.Sprintf("must be a part of the cause, of 1 to %d bytes", replay.MaxTargetBytes))
	}
	if _, given := q.params["resourceId"]; given {
		f.ResourceID = q.resourceID()
	}
	if id, given := q.params["ownerId"]; given {
		if f.OwnerID = id; replay.CheckOwnerID(id) != nil {
			q.fault("ownerId", replay.CheckOwnerID(id).Error())
		}
	}
	f.Since, f.Until = pointer(q.time("since", now)), pointer(q.time("until", now))
	if f.Since != nil && f.Until != nil && !f.Since.Before(*f.Until) {
		q.fault("until", "must be later than since, "+f.Since.Format(time.RFC3339Nano))
	}
	return f
}

// glob reads a glob of names, empty if it is not given.
func (q *query) glob(field string) string {
	glob, given := q.params[field]
	if given && (classify.CheckGlob(glob) != nil || glob == "" || len(glob) > replay.MaxTargetBytes) {
		q.fault(field, fmt.Sprintf(`must be a name or a glob such as "Lambda.*" of 1 to %d bytes`, replay.MaxTargetBytes))
	}
	return glob
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// failureFilter is a query that was checked, as the ledger takes it.
func failureFilter(f replay.FailureQuery) domain.FailureFilter {
	filter := domain.FailureFilter{Status: f.Status, ResourceID: f.ResourceID, Error: matcher(f.Error), State: matcher(f.State)}
	if f.Since != nil {
		filter.Since = *f.Since
	}
	if f.Until != nil {
		filter.Until = *f.Until
	}
	if f.Cause != "" || f.OwnerID != "" {
		filter.Match = func(row domain.Failure) bool {
			return strings.Contains(row.Cause, f.Cause) && (f.OwnerID == "" || row.OwnerID == f.OwnerID)
		}
	}
	return filter
}

func matcher(glob string) func(string) bool {
	if glob == "" {
		return nil
	}
	return func(name string) bool { return classify.Match(glob, name) }
}

func failure(f domain.Failure) replay.Failure {
	out := replay.Failure{
		Execution: f.Execution, Status: f.ListedAs(), ResourceID: f.ResourceID, OwnerID: f.OwnerID, VersionID: f.VersionID,
		InputKey: f.InputKey, State: f.State, Error: f.Error, Cause: f.Cause, Decision: f.Decision, Attempt: f.Attempt,
		FailedAt: f.FailedAt.Time,
	}
	if out.Status == replay.FailureWaiting {
		out.NextAt = f.DueAt.Pointer()
	}
	return out
}
