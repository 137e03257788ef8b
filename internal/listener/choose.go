package listener

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// maxLooked is how many versions of a resource one message reads. A longer search goes on with another message.
const maxLooked = 1000

// goOn sends the message of an item again, to continue the search at a cursor.
func (l *Listener) goOn(ctx context.Context, msg protocol.ReplayMessage, cursor string) (*verdict, error) {
	msg.Cursor = cursor
	return later, l.sendOn(ctx, msg)
}

// choose returns the version of a resource that an item replays, or a verdict.
func (l *Listener) choose(ctx context.Context, t *task) (v eventlog.Version, vd *verdict, err error) {
	if t.only != "" {
		return l.versionWithID(ctx, t.it.ResourceID, t.only)
	}
	if t.it.ResourceID == "" {
		return v, skip(`the failure names no resource: select it with versions "failed"`), nil
	}
	var latest eventlog.Version
	switch asOf := t.req.Versions.AsOf; {
	case t.req.Apply != nil:
		v, latest, vd, err = l.asPlanned(ctx, t)
	case t.req.Versions.Mode == replay.VersionIDs, t.req.Versions.Mode == replay.FailedVersion:
		v, latest, vd, err = l.wanted(ctx, t.it, t.req)
	case t.req.Versions.Mode == replay.VersionAsOf:
		none := fmt.Sprintf("no event of it was recorded until %s", asOf.Format(time.RFC3339Nano))
		v, latest, vd, err = l.search(ctx, t, none, func(v eventlog.Version) bool { return !v.Time().After(*asOf) })
	default:
		v, latest, vd, err = l.search(ctx, t, "no event of it was recorded in the window", func(eventlog.Version) bool { return true })
	}
	if vd == nil && err == nil {
		vd, err = l.unfitOrOutdated(ctx, t.it.ResourceID, v, latest, t.req)
	}
	return v, vd, err
}

// wanted returns the version that an item names, and the latest of its resource, or a verdict.
func (l *Listener) wanted(ctx context.Context, it domain.Item, req request) (v, latest eventlog.Version, vd *verdict, err error) {
	if latest, vd, err = l.latest(ctx, it.ResourceID, req); vd != nil || err != nil {
		return v, latest, vd, err
	}
	want := it.Want
	if want == "" {
		want = req.Versions.IDs[0]
	}
	if v, vd, err = l.versionWithID(ctx, it.ResourceID, want); vd == nil && err == nil && !req.Select.Recorded.Contains(v.At()) {
		vd = skip("version %s was not recorded in the window", want)
	}
	return v, latest, vd, err
}

// latest returns the newest version of a resource, or the verdict of a guard.
func (l *Listener) latest(ctx context.Context, resourceID string, req request) (eventlog.Version, *verdict, error) {
	v, err := l.Log.Latest(ctx, resourceID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return v, skip(unknown), nil
	case errors.Is(err, eventlog.ErrDeleted):
		v.Deleted = true
	case err != nil:
		return v, nil, err
	}
	return v, barred(v, req), nil
}

// unknown is the reason of a verdict about a resource.
const unknown = "the event log has no such resource"

// barred returns the verdict of the guards about the newest version of a resource: that it was deleted, or belongs to
// another owner than the selected one.
func barred(newest eventlog.Version, req request) *verdict {
	switch owner := req.Select.OwnerID; {
	case newest.Deleted:
		return skip(eventlog.WasDeleted)
	case owner != "" && newest.OwnerID != owner:
		return skip("its latest event belongs to owner %q", newest.OwnerID)
	}
	return nil
}

// search returns the newest version that fits and was recorded in the window of the request, and the latest of its
// resource, or a verdict.
func (l *Listener) search(
	ctx context.Context, t *task, none string, fits func(eventlog.Version) bool,
) (found, latest eventlog.Version, vd *verdict, err error) {
	next, vd, err := l.walk(ctx, t.it.ResourceID, t.msg.Cursor, t.req, func(v eventlog.Version, first bool) (more bool) {
		if first {
			latest = v
		}
		if fits(v) && t.req.Select.Recorded.Contains(v.At()) {
			found = v
		}
		return found.ID == ""
	})
	switch {
	case vd != nil || err != nil || found.ID != "":
	case next != "":
		vd, err = l.goOn(ctx, t.msg, next)
	default:
		vd = skip("%s", none)
	}
	return found, latest, vd, err
}

// walk calls more with the versions of a resource from a cursor on, newest first and without delete markers, until more
// returns false. If it has read as many as one message may, it returns the cursor of the next ones. If a guard has a
// verdict about the newest version, it returns that instead.
func (l *Listener) walk(
	ctx context.Context, resourceID, cursor string, req request, more func(v eventlog.Version, first bool) bool,
) (next string, vd *verdict, err error) {
	first := cursor == ""
	next, err = l.Log.Search(ctx, resourceID, cursor, maxLooked, func(v eventlog.Version) bool {
		if first {
			vd = barred(v, req)
		}
		if v.Deleted || vd != nil {
			return vd == nil
		}
		was := first
		first = false
		return more(v, was)
	})
	if err == nil && vd == nil && first {
		vd = skip(unknown)
	}
	return next, vd, err
}

// versionWithID returns a version by its id. If several versions name its execution, it returns the first of them. If
// there is none, it returns a verdict.
func (l *Listener) versionWithID(ctx context.Context, resourceID, versionID string) (eventlog.Version, *verdict, error) {
	v, err := l.Log.First(ctx, resourceID, versionID)
	if errors.Is(err, eventlog.ErrNotFound) {
		return v, skip("the event log has no version %s of it", versionID), nil
	}
	return v, nil, err
}

// rangeOf returns the ids of the versions of a resource that a series replays, oldest first, or a verdict. Looked is
// how many versions the filters of the selection have read.
func (l *Listener) rangeOf(ctx context.Context, t *task) (found []string, looked int, vd *verdict, err error) {
	var inRange []string
	var latest string
	none := "no event of it is in the series"
	switch {
	case t.req.Apply != nil:
		inRange, latest, vd, err = l.rangePlanned(ctx, t)
		none = "nothing of it was planned"
	case t.req.Versions.Series == nil:
		inRange, latest, vd, err = l.allWanted(ctx, t)
	default:
		inRange, latest, vd, err = l.inSeries(ctx, t)
	}
	if vd != nil || err != nil {
		return nil, 0, vd, err
	}
	if len(inRange) == 0 {
		return nil, 0, skip("%s", none), nil
	}
	found = inRange
	if t.req.Apply == nil && t.req.Select.Filters() { // a plan has only versions that fit
		looked = len(inRange)
		if found, vd, err = l.onlyFitting(ctx, t.it.ResourceID, inRange, t.req); vd != nil || err != nil {
			return nil, 0, vd, err
		}
	}
	if len(found) == 0 {
		return nil, 0, skip("no event of it in the series fits the selection"), nil
	}
	if found[0] != latest {
		newest, vd, err := l.versionWithID(ctx, t.it.ResourceID, found[0])
		if vd == nil && err == nil {
			vd, err = l.stale(ctx, t.it.ResourceID, newest, t.req)
		}
		if vd != nil || err != nil {
			return nil, 0, vd, err
		}
	}
	slices.Reverse(found)
	return found, looked, nil, nil
}

// rangePlanned returns the ids of the planned versions of a series, newest first, and the id of the resource's latest
// version, or a verdict.
func (l *Listener) rangePlanned(ctx context.Context, t *task) (ids []string, latest string, vd *verdict, err error) {
	v, vd, err := l.latest(ctx, t.it.ResourceID, t.req)
	if vd != nil || err != nil {
		return nil, "", vd, err
	}
	items, err := l.plannedSeries(ctx, t)
	for _, planned := range slices.Backward(items) {
		ids = append(ids, planned.VersionID)
	}
	return ids, v.ID, nil, err
}

// allWanted returns the versions with the ids of a request, newest first, and the latest of the resource. If one does
// not exist, it returns a verdict.
func (l *Listener) allWanted(ctx context.Context, t *task) (ids []string, latest string, vd *verdict, err error) {
	newest, vd, err := l.latest(ctx, t.it.ResourceID, t.req)
	if vd != nil || err != nil {
		return nil, "", vd, err
	}
	var versions []eventlog.Version
	for _, id := range t.req.Versions.IDs {
		v, vd, err := l.versionWithID(ctx, t.it.ResourceID, id)
		if vd != nil || err != nil {
			return nil, "", vd, err
		}
		if t.req.Select.Recorded.Contains(v.At()) {
			versions = append(versions, v)
		}
	}
	slices.SortStableFunc(versions, func(a, b eventlog.Version) int { return b.Place().Compare(a.Place()) })
	for _, v := range versions {
		if !slices.Contains(ids, v.ID) { // two ids may belong to one execution
			ids = append(ids, v.ID)
		}
	}
	return ids, newest.ID, nil, nil
}

// inSeries returns the ids of the versions in a series, newest first, and the latest of the resource if it is among
// them, or a verdict.
func (l *Listener) inSeries(ctx context.Context, t *task) (ids []string, latest string, vd *verdict, err error) {
	in, vd, err := l.ends(ctx, t.it.ResourceID, *t.req.Versions.Series, t.msg.Begun)
	if vd != nil || err != nil {
		return nil, "", vd, err
	}
	msg := t.msg
	next, vd, err := l.walk(ctx, t.it.ResourceID, msg.Cursor, t.req, func(v eventlog.Version, first bool) bool {
		take, more := in(v)
		if take && t.req.Select.Recorded.Contains(v.At()) {
			msg.Found, msg.Newest = append(msg.Found, v.ID), msg.Newest || first
		}
		msg.Begun = msg.Begun || take
		last := t.req.Versions.Series.Last
		return more && len(msg.Found) <= replay.MaxSeriesVersions && (last == 0 || len(msg.Found) < last)
	})
	switch {
	case vd != nil || err != nil:
	case len(msg.Found) > replay.MaxSeriesVersions:
		vd = fail("", "TooManyVersions: the series has more than %d versions of this resource: narrow it", replay.MaxSeriesVersions)
	case next != "":
		vd, err = l.goOn(ctx, msg, next)
	}
	if msg.Newest {
		latest = msg.Found[0]
	}
	return msg.Found, latest, vd, err
}

// ends returns a function that says whether a version is in a series, and whether an older one may be, or a verdict if
// an end of the series does not exist.
func (l *Listener) ends(
	ctx context.Context, resourceID string, s replay.Series, begun bool,
) (func(eventlog.Version) (take, more bool), *verdict, error) {
	var from, to string
	for _, end := range []struct {
		bound *replay.Bound
		id    *string
	}{{s.From, &from}, {s.To, &to}} {
		if end.bound == nil || end.bound.VersionID == "" {
			continue
		}
		v, vd, err := l.versionWithID(ctx, resourceID, end.bound.VersionID)
		if vd != nil || err != nil {
			return nil, vd, err
		}
		*end.id = v.ID
	}
	begun = begun || to == ""
	return func(v eventlog.Version) (take, more bool) {
		begun = begun || v.ID == to
		take, more = begun, from == "" || v.ID != from
		if s.To != nil && s.To.Time != nil && !v.Time().Before(*s.To.Time) {
			take = false
		}
		if s.From != nil && s.From.Time != nil && v.Time().Before(*s.From.Time) {
			// Places are in order, times only nearly.
			take, more = false, !v.Place().Before(s.From.Time.Add(-eventlog.LateAfter))
		}
		return take, more
	}, nil, nil
}
