package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/failurejob"
	"github.com/ce873799/replayable-ingestion/replay"
)

// failures lists those of a status, by default the quarantine.
func (a *API) failures(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "status", "error", "state", "cause", "resourceId", "ownerId",
		"jobId", "superseded", "since", "until", "limit", "cursor")
	asked := q.failures(a.now())
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Failures.List(ctx, failurejob.Filter(asked), cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	page := replay.Failures{Failures: make([]replay.Failure, 0, len(rows)), NextCursor: q.next(next)}
	since := make([]domain.Stamp, len(rows))
	if asked.Status == "" || asked.Status == replay.FailureQuarantined {
		if since, err = a.newer.NewerSuccess(ctx, rows); err != nil {
			return answer{}, err
		}
	}
	for i, f := range rows {
		one := failure(f)
		one.SupersededSince = since[i].Pointer()
		if !asked.Superseded || one.SupersededSince != nil {
			page.Failures = append(page.Failures, one)
		}
	}
	return answer{status: http.StatusOK, body: page}, nil
}

// failures reads which failures are meant.
func (q *query) failures(now time.Time) replay.FailureQuery {
	f := replay.FailureQuery{
		Status: oneOf(q, "status", replay.FailureStatuses()), Error: q.glob("error"), State: q.glob("state"), Cause: q.params["cause"],
		JobID: q.params["jobId"],
	}
	if v, given := q.params["superseded"]; given {
		f.Superseded = v == "true"
		switch {
		case !f.Superseded:
			q.fault("superseded", "must be true: leave it out to list others as well")
		case f.Status != "" && f.Status != replay.FailureQuarantined:
			q.fault("superseded", "goes with the status QUARANTINED only")
		}
	}
	if _, given := q.params["cause"]; given && (f.Cause == "" || len(f.Cause) > replay.MaxTargetBytes) {
		q.fault("cause", fmt.Sprintf("must be a part of the cause, of 1 to %d bytes", replay.MaxTargetBytes))
	}
	f.ResourceID, f.OwnerID = q.optionalIDs()
	since, until := q.times(now)
	f.Since, f.Until = pointer(since), pointer(until)
	return f
}

// glob reads a glob of names, empty if it is not given.
func (q *query) glob(field string) string {
	glob, given := q.params[field]
	if given && (domain.CheckGlob(glob) != nil || glob == "" || len(glob) > replay.MaxTargetBytes) {
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

func failure(f domain.Failure) replay.Failure {
	out := replay.Failure{
		Execution: f.Execution, Status: f.ListedAs(), ResourceID: f.ResourceID, OwnerID: f.OwnerID, VersionID: f.VersionID,
		InputKey: f.InputKey, State: f.State, Error: f.Error, Cause: f.Cause, Decision: f.Decision, Attempt: f.Attempt,
		FailedAt: f.FailedAt.Time, JobID: f.Job,
	}
	if out.Status == replay.FailureWaiting {
		out.NextAt = f.DueAt.Pointer()
	}
	return out
}
