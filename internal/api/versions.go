package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// versions lists the history of a resource with the outcome of each event. A resource without a history is 404.
func (a *API) versions(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "resourceId", "limit", "cursor")
	id := q.resourceID()
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	found, next, err := a.history(ctx, id, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	if len(found) == 0 && cursor == "" {
		return answer{}, notFound("the event log has no such resource")
	}
	page := replay.History{ResourceID: id, Versions: make([]replay.Version, len(found)), NextCursor: q.next(next)}
	for i, v := range found {
		page.Versions[i] = replay.Version{
			VersionID: v.ID, RecordedAt: v.RecordedAt, OwnerID: v.OwnerID, Size: v.Size, Deleted: v.Deleted,
			Executions: []replay.Execution{}, Correction: correctionOf(v),
		}
	}
	if err := a.addExecutions(ctx, id, found, page.Versions); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: page}, nil
}

// maxBodyBytes keeps an answer under the 6 MB that Lambda passes on, even if each byte is sent as \u0000. Events are
// smaller; an object that was put by hand need not be.
const maxBodyBytes = 1_000_000

var noVersion = notFound("the event log has no such version of the resource")

var notAnEvent = &statusError{http.StatusUnprocessableEntity,
	"the object is not an event: it is not JSON in UTF-8, or too large to be sent: read it from S3"}

// version returns one event, byte for byte.
func (a *API) version(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "resourceId")
	id := q.resourceID()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	version := req.PathParameters["versionId"]
	if decoded, err := url.PathUnescape(version); err == nil { // a version id needs no escapes, but may have some
		version = decoded
	}
	if replay.CheckVersionID(version) != nil {
		return answer{}, noVersion
	}
	event, err := a.log.Event(ctx, id, version)
	if errors.Is(err, eventlog.ErrDeleteMarker) {
		return answer{}, notFound("the version is a delete marker: the object was deleted then, " +
			"and there is no event: GET /versions lists the versions before it")
	}
	if errors.Is(err, eventlog.ErrNotFound) {
		return answer{}, noVersion
	}
	if err != nil && !errors.Is(err, eventlog.ErrNotAnEvent) {
		return answer{}, err
	}
	if err != nil || !isEvent(event) {
		return answer{}, notAnEvent
	}
	return answer{status: http.StatusOK, raw: event}, nil
}

// isEvent reports whether an object can be an event: what was put by hand may be anything.
func isEvent(object []byte) bool {
	return len(object) <= maxBodyBytes && utf8.Valid(object) && json.Valid(object)
}

// history reads one page of versions, and the cursor of those that follow.
func (a *API) history(ctx context.Context, id, cursor string, limit int) (found []eventlog.Version, next string, err error) {
	found, next, err = a.log.Page(ctx, id, cursor, limit)
	if errors.Is(err, eventlog.ErrCursor) {
		err = fmt.Errorf("%w: %w", ledger.ErrCursor, err)
	}
	for i := range found {
		found[i].RecordedAt = found[i].At() // a delete marker has none, nor has an object put by hand
	}
	return found, next, err
}

// addExecutions adds to each version the executions that ran it, and the failures that they ended in.
func (a *API) addExecutions(ctx context.Context, id string, found []eventlog.Version, page []replay.Version) error {
	if len(found) == 0 {
		return nil
	}
	place := make(map[string]int, len(found))
	for i, v := range found {
		place[v.ID] = i
	}
	byTime := func(a, b eventlog.Version) int { return a.RecordedAt.Compare(b.RecordedAt) }
	from, to := slices.MinFunc(found, byTime), slices.MaxFunc(found, byTime)
	h, err := a.book.Executions.History(ctx, id, from.RecordedAt, to.RecordedAt)
	if err != nil {
		return err
	}
	for _, e := range h.Executions {
		if i, ok := place[e.VersionID]; ok {
			page[i].Executions = append(page[i].Executions, execution(e))
			if c := page[i].Correction; c != nil && e.Corrects == c.Of { // the event log has less of it
				c.By, c.Reason = e.RequestedBy, e.Reason
			}
		}
	}
	for _, f := range h.Failures {
		if i, ok := place[f.VersionID]; ok {
			page[i].Failures = append(page[i].Failures, replay.Setback{
				Execution: f.Execution, Status: string(f.Status), State: f.State, Error: f.Error, Cause: f.Cause,
				Decision: f.Decision, Attempt: f.Attempt, FailedAt: f.FailedAt.Time,
			})
		}
	}
	for _, v := range page {
		for i := range max(len(v.Failures)-maxCauses, 0) { // keeps a page under what Lambda passes on
			v.Failures[i].Cause = ""
		}
	}
	return nil
}

func correctionOf(v eventlog.Version) *replay.Correction {
	c := v.Correction
	if c.Of == "" {
		return nil
	}
	return &replay.Correction{Of: c.Of, By: c.By, Reason: c.Reason, ReplayID: c.ReplayID}
}

// maxCauses is how many failures of a version are shown with their causes.
const maxCauses = 10

func execution(e domain.Execution) replay.Execution {
	kind, status := e.Mode, string(e.Status)
	if kind == domain.Restart {
		kind = domain.Auto
	}
	if e.Superseded {
		status = string(domain.Superseded)
	}
	return replay.Execution{
		Name: e.Name, Kind: string(kind), Status: status, Error: e.Error, Attempt: e.Attempt, ReplayID: e.ReplayID,
		Patched: e.Patched, StartedAt: e.StartedAt.Time, StoppedAt: e.StoppedAt.Pointer(), Published: e.PublishedAt.Pointer(),
	}
}
