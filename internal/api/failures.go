package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/classify"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// failures lists the quarantine, newest first.
func (a *API) failures(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "error", "since", "until", "limit", "cursor")
	var filter domain.QuarantineFilter
	if glob, given := q.params["error"]; given {
		if err := classify.CheckGlob(glob); err != nil || glob == "" || len(glob) > replay.MaxTargetBytes {
			q.fault("error", fmt.Sprintf(`must be a name or a glob such as "Lambda.*" of 1 to %d bytes`, replay.MaxTargetBytes))
		}
		filter.Error = func(name string) bool { return classify.Match(glob, name) }
	}
	now := a.now()
	filter.Since, filter.Until = q.time("since", now), q.time("until", now)
	if !filter.Since.IsZero() && !filter.Until.IsZero() && !filter.Since.Before(filter.Until) {
		q.fault("until", "must be later than since, "+filter.Since.Format(time.RFC3339Nano))
	}
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Failures.Quarantined(ctx, filter, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	page := replay.Failures{Failures: make([]replay.Failure, len(rows)), NextCursor: q.next(next)}
	for i, f := range rows {
		page.Failures[i] = replay.Failure{
			Execution: f.Execution, ResourceID: f.ResourceID, VersionID: f.VersionID, InputKey: f.InputKey,
			State: f.State, Error: f.Error, Cause: f.Cause, Decision: f.Decision, Attempt: f.Attempt, FailedAt: f.FailedAt.Time,
		}
	}
	return answer{status: http.StatusOK, body: page}, nil
}
