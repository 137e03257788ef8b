package listener

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/replay"
)

// maxLooked is how many versions of a resource are looked at for one message. A search that needs more goes on with
// another message.
const maxLooked = 1000

// errGoesOn means that a search goes on with a message that was sent.
var errGoesOn = errors.New("the search goes on")

// goOn sends the message of an item again, to search on from a cursor.
func (l *Listener) goOn(ctx context.Context, msg message.Replay, cursor string) error {
	msg.Cursor, msg.Tries, msg.Since = cursor, 0, 0
	if err := l.Queue.Post(ctx, queue.Post{Body: msg.Encode()}); err != nil {
		return err
	}
	return errGoesOn
}

// choose returns the version of a resource that an item replays, or a verdict, or errGoesOn.
func (l *Listener) choose(ctx context.Context, msg message.Replay, it ledger.Item, p plan) (eventlog.Version, error) {
	if it.ResourceID == "" {
		return eventlog.Version{}, skip(`the failure names no resource: select it with versions "failed"`)
	}
	newest, err := l.newest(ctx, it.ResourceID, p.Select.OwnerID)
	if err != nil {
		return newest, err
	}
	var v eventlog.Version
	switch p.Versions.Mode {
	case replay.VersionIDs, replay.FailedVersion:
		want := it.Want
		if want == "" {
			want = p.Versions.IDs[0]
		}
		if v, err = l.named(ctx, it.ResourceID, want); err == nil && !p.Select.Recorded.Contains(v.At()) {
			err = skip("version %s was not recorded in the window", want)
		}
	case replay.VersionAsOf:
		none := fmt.Sprintf("no event of it was recorded until %s", p.Versions.AsOf.Format(time.RFC3339Nano))
		v, err = l.search(ctx, msg, it, none, func(v eventlog.Version) bool {
			return !v.Time().After(*p.Versions.AsOf) && p.Select.Recorded.Contains(v.At())
		})
	default:
		v, err = l.search(ctx, msg, it, "no event of it was recorded in the window", func(v eventlog.Version) bool {
			return p.Select.Recorded.Contains(v.At())
		})
	}
	if err == nil && v.ID != newest.ID {
		err = l.stale(ctx, it.ResourceID, v, p)
	}
	return v, err
}

// search returns the newest version that fits.
func (l *Listener) search(ctx context.Context, msg message.Replay, it ledger.Item, none string, fits func(eventlog.Version) bool) (eventlog.Version, error) {
	cursor := msg.Cursor
	for range maxLooked / searchPage {
		page, next, err := l.Log.Page(ctx, it.ResourceID, cursor, searchPage)
		if err != nil {
			return eventlog.Version{}, err
		}
		for _, v := range page {
			if !v.Deleted && fits(v) {
				return v, nil
			}
		}
		if next == "" {
			return eventlog.Version{}, skip("%s", none)
		}
		cursor = next
	}
	return eventlog.Version{}, l.goOn(ctx, msg, cursor)
}

// searchPage is how many versions a search looks at before it knows whether to go on.
const searchPage = 20

// named returns a version by its id: the first of its execution, also if the id is that of a second one.
func (l *Listener) named(ctx context.Context, resourceID, versionID string) (eventlog.Version, error) {
	v, err := l.Log.First(ctx, resourceID, versionID)
	if errors.Is(err, eventlog.ErrNotFound) {
		err = skip("the event log has no version %s of it", versionID)
	}
	return v, err
}

// newest returns the newest version of a resource, or the verdict of a guard: the resource is unknown or deleted, or
// with an owner, its newest event is another's.
func (l *Listener) newest(ctx context.Context, resourceID, ownerID string) (eventlog.Version, error) {
	v, err := l.Log.Latest(ctx, resourceID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		err = skip("the event log has no such resource")
	case errors.Is(err, eventlog.ErrDeleted):
		err = skip("its object was deleted from the event log")
	case err == nil && ownerID != "" && v.OwnerID != ownerID:
		err = skip("its latest event belongs to owner %q", v.OwnerID)
	}
	return v, err
}

// stale is the guard that keeps an old version from running over a newer one that has succeeded.
func (l *Listener) stale(ctx context.Context, resourceID string, v eventlog.Version, p plan) error {
	if p.AllowStale {
		return nil
	}
	by, found, err := l.Judge.Succeeded(ctx, resourceID, v.Place())
	if err == nil && found {
		return verdict{
			to: replay.Skipped, version: v.ID,
			reason: fmt.Sprintf("stale: version %s is newer and has succeeded; allowStale replays it all the same", by.VersionID),
		}
	}
	return err
}

// rangeOf returns the ids of the versions of a resource that a series replays, oldest first, or a verdict, or errGoesOn.
func (l *Listener) rangeOf(ctx context.Context, msg message.Replay, it ledger.Item, p plan) ([]string, error) {
	newest, err := l.newest(ctx, it.ResourceID, p.Select.OwnerID)
	if err != nil {
		return nil, err
	}
	var found []string
	if p.Versions.Series == nil {
		found, err = l.allNamed(ctx, it.ResourceID, p)
	} else {
		found, err = l.inSeries(ctx, msg, it, p)
	}
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, skip("no event of it is in the series")
	case found[0] != newest.ID:
		last, err := l.named(ctx, it.ResourceID, found[0])
		if err == nil {
			err = l.stale(ctx, it.ResourceID, last, p)
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Reverse(found)
	return found, nil
}

// allNamed returns versions with given ids, newest first. All of them must exist.
func (l *Listener) allNamed(ctx context.Context, resourceID string, p plan) ([]string, error) {
	var versions []eventlog.Version
	for _, id := range p.Versions.IDs {
		v, err := l.named(ctx, resourceID, id)
		if err != nil {
			return nil, err
		}
		if p.Select.Recorded.Contains(v.At()) {
			versions = append(versions, v)
		}
	}
	slices.SortStableFunc(versions, func(a, b eventlog.Version) int { return b.Place().Compare(a.Place()) })
	var ids []string
	for _, v := range versions {
		if !slices.Contains(ids, v.ID) { // two ids may be of one execution
			ids = append(ids, v.ID)
		}
	}
	return ids, nil
}

// inSeries returns the ids of the versions in a series, newest first.
func (l *Listener) inSeries(ctx context.Context, msg message.Replay, it ledger.Item, p plan) ([]string, error) {
	in, err := l.ends(ctx, it.ResourceID, *p.Versions.Series, msg.Begun)
	if err != nil {
		return nil, err
	}
	for range maxLooked / seriesPage {
		page, next, err := l.Log.Page(ctx, it.ResourceID, msg.Cursor, seriesPage)
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			take, more := in(v)
			if take && !v.Deleted && p.Select.Recorded.Contains(v.At()) {
				msg.Found = append(msg.Found, v.ID)
			}
			if len(msg.Found) > replay.MaxSeriesVersions {
				return nil, fail("", "TooManyVersions: the series has more than %d versions of this resource: narrow it",
					replay.MaxSeriesVersions)
			}
			if last := p.Versions.Series.Last; !more || last > 0 && len(msg.Found) == last {
				return msg.Found, nil
			}
			msg.Begun = msg.Begun || take
		}
		if next == "" {
			return msg.Found, nil
		}
		msg.Cursor = next
	}
	return nil, l.goOn(ctx, msg, msg.Cursor)
}

const seriesPage = 100

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
