package listener

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// maxLooked is how many versions of a resource are looked at for one message. A search that needs more goes on with
// another message.
const maxLooked = 1000

// errGoesOn means that a search goes on with a message that was sent.
var errGoesOn = errors.New("the search goes on")

// goOn sends the message of an item again, to search on from a cursor.
func (l *Listener) goOn(ctx context.Context, msg protocol.ReplayMessage, cursor string) error {
	msg.Cursor = cursor
	if err := l.sendOn(ctx, msg); err != nil {
		return err
	}
	return errGoesOn
}

// sendOn sends a message that goes on with the work of the one at hand.
func (l *Listener) sendOn(ctx context.Context, msg protocol.ReplayMessage) error {
	msg.Tries, msg.Since, msg.Revived = 0, 0, 0
	return l.Queue.Post(ctx, sqs.Post{Body: msg.Encode()})
}

// choose returns the version of a resource that an item replays, or a verdict, or errGoesOn.
func (l *Listener) choose(ctx context.Context, msg protocol.ReplayMessage, it domain.Item, p plan) (v eventlog.Version, err error) {
	if it.ResourceID == "" {
		return v, skip(`the failure names no resource: select it with versions "failed"`)
	}
	if p.Apply != nil {
		return l.asPlanned(ctx, it, p)
	}
	newest, latest := false, eventlog.Version{}
	switch p.Versions.Mode {
	case replay.VersionIDs, replay.FailedVersion:
		v, latest, err = l.wanted(ctx, it, p)
		newest = v.ID == latest.ID
	case replay.VersionAsOf:
		none := fmt.Sprintf("no event of it was recorded until %s", p.Versions.AsOf.Format(time.RFC3339Nano))
		v, newest, err = l.search(ctx, msg, it, p, none, func(v eventlog.Version) bool { return !v.Time().After(*p.Versions.AsOf) })
	default:
		v, newest, err = l.search(ctx, msg, it, p, "no event of it was recorded in the window", func(eventlog.Version) bool { return true })
	}
	if err == nil {
		err = l.unfit(ctx, it.ResourceID, v, p)
	}
	if err == nil && !newest {
		err = l.outdated(ctx, it.ResourceID, v, latest, p)
	}
	return v, err
}

// wanted returns the version that an item names, and the latest of its resource.
func (l *Listener) wanted(ctx context.Context, it domain.Item, p plan) (v, latest eventlog.Version, err error) {
	if latest, err = l.latest(ctx, it.ResourceID, p); err != nil {
		return v, latest, err
	}
	want := it.Want
	if want == "" {
		want = p.Versions.IDs[0]
	}
	if v, err = l.named(ctx, it.ResourceID, want); err == nil && !p.Select.Recorded.Contains(v.At()) {
		err = skip("version %s was not recorded in the window", want)
	}
	return v, latest, err
}

// latest returns the newest version of a resource, or the verdict of a guard.
func (l *Listener) latest(ctx context.Context, resourceID string, p plan) (eventlog.Version, error) {
	v, err := l.Log.Latest(ctx, resourceID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return v, skip(unknown)
	case errors.Is(err, eventlog.ErrDeleted):
		v.Deleted = true
	case err != nil:
		return v, err
	}
	return v, barred(v, p)
}

// Reasons of verdicts about a resource.
const (
	unknown = "the event log has no such resource"
	deleted = "its object was deleted from the event log"
)

// barred returns the verdict of the guards over the newest version of a resource: it was deleted, or with an owner, it
// is another's.
func barred(newest eventlog.Version, p plan) error {
	switch owner := p.Select.OwnerID; {
	case newest.Deleted:
		return skip(deleted)
	case owner != "" && newest.OwnerID != owner:
		return skip("its latest event belongs to owner %q", newest.OwnerID)
	}
	return nil
}

// search returns the newest version that fits and was recorded in the window of the request, and whether it is the
// newest of all.
func (l *Listener) search(ctx context.Context, msg protocol.ReplayMessage, it domain.Item, p plan, none string, fits func(eventlog.Version) bool) (found eventlog.Version, newest bool, err error) {
	next, err := l.walk(ctx, it.ResourceID, msg.Cursor, p, func(v eventlog.Version, first bool) (more bool) {
		if fits(v) && p.Select.Recorded.Contains(v.At()) {
			found, newest = v, first
		}
		return found.ID == ""
	})
	switch {
	case err != nil || found.ID != "":
		return found, newest, err
	case next != "":
		return found, false, l.goOn(ctx, msg, next)
	}
	return found, false, skip("%s", none)
}

// walk shows the versions of a resource from a cursor on, newest first and without delete markers, until more says that
// it wants none further, or returns the cursor of those that follow. It returns the verdict of a guard instead, where
// the newest version has one.
func (l *Listener) walk(ctx context.Context, resourceID, cursor string, p plan, more func(v eventlog.Version, first bool) bool) (next string, err error) {
	first := cursor == ""
	var verdict error
	next, err = l.Log.Search(ctx, resourceID, cursor, maxLooked, func(v eventlog.Version) bool {
		if first {
			verdict = barred(v, p)
		}
		if v.Deleted || verdict != nil {
			return verdict == nil
		}
		was := first
		first = false
		return more(v, was)
	})
	if err == nil && verdict == nil && first {
		verdict = skip(unknown)
	}
	return next, errors.Join(err, verdict)
}

// named returns a version by its id: the first of its execution, also if the id is that of a second one.
func (l *Listener) named(ctx context.Context, resourceID, versionID string) (eventlog.Version, error) {
	v, err := l.Log.First(ctx, resourceID, versionID)
	if errors.Is(err, eventlog.ErrNotFound) {
		err = skip("the event log has no version %s of it", versionID)
	}
	return v, err
}

// stale is the guard that keeps an old version from running over a newer one that has succeeded.
func (l *Listener) stale(ctx context.Context, resourceID string, v eventlog.Version, p plan) error {
	if p.AllowStale {
		return nil
	}
	by, found, err := l.Superseding.Succeeded(ctx, resourceID, v.Place())
	if err == nil && found {
		return verdict{
			to: replay.Skipped, version: v.ID,
			reason: fmt.Sprintf("stale: version %s is newer and has succeeded; allowStale replays it all the same", by.VersionID),
		}
	}
	return err
}

// rangeOf returns the ids of the versions of a resource that a series replays, oldest first, or a verdict, or errGoesOn.
// Looked is how many versions the filters of the selection looked at.
func (l *Listener) rangeOf(ctx context.Context, msg protocol.ReplayMessage, it domain.Item, p plan) (found []string, looked int, err error) {
	var newest bool
	if p.Apply != nil {
		return l.rangePlanned(ctx, it, p)
	}
	if p.Versions.Series == nil {
		found, newest, err = l.allWanted(ctx, it, p)
	} else {
		found, newest, err = l.inSeries(ctx, msg, it, p)
	}
	if err != nil {
		return nil, 0, err
	}
	latest := found
	if p.Select.Filters() {
		looked = len(found)
	}
	if found, err = l.onlyFitting(ctx, it.ResourceID, found, p); err != nil {
		return nil, 0, err
	}
	newest = newest && len(found) > 0 && found[0] == latest[0]
	switch {
	case len(latest) == 0:
		return nil, 0, skip("no event of it is in the series")
	case len(found) == 0:
		return nil, 0, skip("no event of it in the series fits the selection")
	case !newest:
		last, err := l.named(ctx, it.ResourceID, found[0])
		if err == nil {
			err = l.stale(ctx, it.ResourceID, last, p)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	slices.Reverse(found)
	return found, looked, nil
}

// rangePlanned returns the ids of the versions that a plan has of a series, oldest first.
func (l *Listener) rangePlanned(ctx context.Context, it domain.Item, p plan) (found []string, looked int, err error) {
	latest, err := l.latest(ctx, it.ResourceID, p)
	if err != nil {
		return nil, 0, err
	}
	items, err := l.plannedSeries(ctx, it, p)
	if err != nil {
		return nil, 0, err
	}
	for _, planned := range items {
		found = append(found, planned.VersionID)
	}
	if len(found) == 0 {
		return nil, 0, skip("nothing of it was planned")
	}
	if last := found[len(found)-1]; last != latest.ID {
		v, err := l.named(ctx, it.ResourceID, last)
		if err == nil {
			err = l.stale(ctx, it.ResourceID, v, p)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return found, 0, nil
}

// allWanted returns the versions with the ids of a request, newest first, and whether the newest of the resource is
// among them. All of them must exist.
func (l *Listener) allWanted(ctx context.Context, it domain.Item, p plan) (ids []string, newest bool, err error) {
	latest, err := l.latest(ctx, it.ResourceID, p)
	if err != nil {
		return nil, false, err
	}
	var versions []eventlog.Version
	for _, id := range p.Versions.IDs {
		v, err := l.named(ctx, it.ResourceID, id)
		if err != nil {
			return nil, false, err
		}
		if p.Select.Recorded.Contains(v.At()) {
			versions, newest = append(versions, v), newest || v.ID == latest.ID
		}
	}
	slices.SortStableFunc(versions, func(a, b eventlog.Version) int { return b.Place().Compare(a.Place()) })
	for _, v := range versions {
		if !slices.Contains(ids, v.ID) { // two ids may be of one execution
			ids = append(ids, v.ID)
		}
	}
	return ids, newest, nil
}

// inSeries returns the ids of the versions in a series, newest first, and whether the newest of the resource is among
// them.
func (l *Listener) inSeries(ctx context.Context, msg protocol.ReplayMessage, it domain.Item, p plan) (ids []string, newest bool, err error) {
	in, err := l.ends(ctx, it.ResourceID, *p.Versions.Series, msg.Begun)
	if err != nil {
		return nil, false, err
	}
	next, err := l.walk(ctx, it.ResourceID, msg.Cursor, p, func(v eventlog.Version, first bool) bool {
		take, more := in(v)
		if take && p.Select.Recorded.Contains(v.At()) {
			msg.Found, msg.Newest = append(msg.Found, v.ID), msg.Newest || first
		}
		msg.Begun = msg.Begun || take
		last := p.Versions.Series.Last
		return more && len(msg.Found) <= replay.MaxSeriesVersions && (last == 0 || len(msg.Found) < last)
	})
	switch {
	case err != nil:
		return nil, false, err
	case len(msg.Found) > replay.MaxSeriesVersions:
		return nil, false, fail("", "TooManyVersions: the series has more than %d versions of this resource: narrow it",
			replay.MaxSeriesVersions)
	case next != "":
		return nil, false, l.goOn(ctx, msg, next)
	}
	return msg.Found, msg.Newest, nil
}

// ends returns whether a version is in a series, and whether an older one may be.
func (l *Listener) ends(ctx context.Context, resourceID string, s replay.Series, begun bool) (func(eventlog.Version) (take, more bool), error) {
	var from, to string
	for _, end := range []struct {
		bound *replay.Bound
		id    *string
	}{{s.From, &from}, {s.To, &to}} {
		if end.bound == nil || end.bound.VersionID == "" {
			continue
		}
		v, err := l.named(ctx, resourceID, end.bound.VersionID)
		if err != nil {
			return nil, err
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
	}, nil
}
