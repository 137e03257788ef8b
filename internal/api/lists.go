package api

import (
	"context"
	"net/http"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// resources lists the resources of an owner that have had events.
func (a *API) resources(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "ownerId", "limit", "cursor")
	owner, given := q.params["ownerId"]
	if !given {
		q.fault("ownerId", "is required: the id of an owner, percent-encoded")
	} else if err := replay.CheckOwnerID(owner); err != nil {
		q.fault("ownerId", err.Error())
	}
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Owners.List(ctx, owner, time.Time{}, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ResourceID
	}
	newest, err := a.book.Executions.Newest(ctx, ids)
	if err != nil {
		return answer{}, err
	}
	page := replay.Resources{Resources: make([]replay.OwnedResource, len(rows)), NextCursor: q.next(next)}
	for i, r := range rows {
		page.Resources[i] = replay.OwnedResource{ResourceID: r.ResourceID, LastEventAt: r.SeenAt.Time}
		if e, known := newest[r.ResourceID]; known {
			latest := execution(e)
			page.Resources[i].OwnerID, page.Resources[i].VersionID, page.Resources[i].Latest = e.OwnerID, e.VersionID, &latest
		}
	}
	return answer{status: http.StatusOK, body: page}, nil
}

// executions lists what has ended in the last days, the last report first.
func (a *API) executions(ctx context.Context, req request) (answer, error) {
	now := a.now()
	q := newQuery(req, "status", "error", "resourceId", "ownerId", "since", "until", "follow", "limit", "cursor")
	f := domain.EndFilter{Status: oneOf(q, "status", replay.EndStatuses())}
	if glob := q.glob("error"); glob != "" {
		f.Error = func(name string) bool { return domain.MatchError(glob, name) }
	}
	f.ResourceID, f.OwnerID = q.optionalIDs()
	f.Since, f.Until = q.times(now)
	limit, cursor := q.page()
	list := a.book.Ends.List
	if v, given := q.params["follow"]; given {
		if list = a.book.Ends.Follow; v != "true" {
			q.fault("follow", "must be true: leave it out to list what was reported last first")
		}
		if !f.Until.IsZero() {
			q.fault("until", "does not go with follow, which goes on: leave one out")
		}
	}
	if err := q.err(); err != nil {
		return answer{}, err
	}
	ends, next, err := list(ctx, f, now, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	page := replay.Executions{Executions: make([]replay.EndedExecution, len(ends)), NextCursor: q.next(next)}
	for i, e := range ends {
		page.Executions[i] = endedExecution(e)
	}
	return answer{status: http.StatusOK, body: page}, nil
}

func endedExecution(e domain.End) replay.EndedExecution {
	out := replay.EndedExecution{
		Name: e.Name, Status: e.Status, Error: e.Error, ResourceID: e.ResourceID, OwnerID: e.OwnerID, RedriveCount: e.RedriveCount,
		ReportedAt: e.ReportedAt.Time,
	}
	if e.Row.Name == "" {
		return out
	}
	shown := execution(e.Row)
	out.Kind, out.VersionID, out.Attempt, out.ReplayID = shown.Kind, e.Row.VersionID, shown.Attempt, shown.ReplayID
	out.StartedAt = e.Row.StartedAt.Pointer()
	if e.Row.RedriveCount == e.RedriveCount { // else it has run again since
		out.StoppedAt = shown.StoppedAt
	}
	return out
}

// optionalIDs reads the ids of a resource and of an owner, empty where they are not given.
func (q *query) optionalIDs() (resourceID, ownerID string) {
	if _, given := q.params["resourceId"]; given {
		resourceID = q.resourceID()
	}
	if id, given := q.params["ownerId"]; given {
		if ownerID = id; replay.CheckOwnerID(id) != nil {
			q.fault("ownerId", replay.CheckOwnerID(id).Error())
		}
	}
	return resourceID, ownerID
}

// times reads a range of times, the zero time for an end that is not given.
func (q *query) times(now time.Time) (since, until time.Time) {
	since, until = q.time("since", now), q.time("until", now)
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		q.fault("until", "must be later than since, "+since.Format(time.RFC3339Nano))
	}
	return since, until
}
