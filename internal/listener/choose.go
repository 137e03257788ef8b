package listener

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// choose returns the version of a resource that an item replays, or a verdict.
func (l *Listener) choose(ctx context.Context, it ledger.Item, p plan) (eventlog.Version, error) {
	if it.ResourceID == "" {
		return eventlog.Version{}, skip(`the failure names no resource: select it with versions "failed"`)
	}
	fits := func(v eventlog.Version) bool { return p.Select.Recorded.Contains(v.At()) }
	none := "no event of it was recorded in the window"
	switch p.Versions.Mode {
	case replay.VersionAsOf:
		fits = func(v eventlog.Version) bool {
			return !v.At().After(*p.Versions.AsOf) && p.Select.Recorded.Contains(v.At())
		}
		none = fmt.Sprintf("no event of it was recorded until %s", p.Versions.AsOf.Format(time.RFC3339Nano))
	case replay.VersionIDs, replay.FailedVersion:
		want := it.Want
		if want == "" {
			want = p.Versions.IDs[0]
		}
		same, err := l.same(ctx, it.ResourceID, want)
		if err != nil {
			return eventlog.Version{}, err
		}
		fits = func(v eventlog.Version) bool { return same(v) && p.Select.Recorded.Contains(v.At()) }
		none = fmt.Sprintf("version %s was not recorded in the window", want)
	}
	first := true
	for v, err := range l.versions(ctx, it.ResourceID, p.Select.OwnerID) {
		if err != nil {
			return v, err
		}
		if fits(v) {
			if !first {
				err = l.stale(ctx, it.ResourceID, v.ID, p)
			}
			return v, err
		}
		first = false
	}
	return eventlog.Version{}, skip("%s", none)
}

// same tells a version of a resource by its id, also by that of a second one that names the same execution.
func (l *Listener) same(ctx context.Context, resourceID, versionID string) (func(eventlog.Version) bool, error) {
	given, err := l.Log.Version(ctx, resourceID, versionID)
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, skip("the event log has no version %s of it", versionID)
	}
	return func(v eventlog.Version) bool {
		return v.ID == versionID || v.Execution != "" && v.Execution == given.Execution
	}, err
}

// versions yields the versions of a resource, newest first and without delete markers, or the verdict of a guard: the
// resource is unknown or deleted, or with an owner, its newest event is another's.
func (l *Listener) versions(ctx context.Context, resourceID, ownerID string) iter.Seq2[eventlog.Version, error] {
	return func(yield func(eventlog.Version, error) bool) {
		first := true
		for v, err := range l.Log.Versions(ctx, resourceID, "") {
			switch {
			case err != nil:
			case first && v.Deleted:
				err = skip("its object was deleted from the event log")
			case first && ownerID != "" && v.OwnerID != ownerID:
				err = skip("its latest event belongs to owner %q", v.OwnerID)
			case v.Deleted:
				continue
			}
			first = false
			if !yield(v, err) || err != nil {
				return
			}
		}
		if first {
			yield(eventlog.Version{}, skip("the event log has no such resource"))
		}
	}
}

// stale is the guard that keeps an old version from running over a newer one that has succeeded.
func (l *Listener) stale(ctx context.Context, resourceID, versionID string, p plan) error {
	if p.AllowStale {
		return nil
	}
	by, found, err := l.Judge.Succeeded(ctx, resourceID, versionID)
	if errors.Is(err, eventlog.ErrNotFound) {
		return gone(versionID)
	}
	if err == nil && found {
		return verdict{
			to: replay.Skipped, version: versionID,
			reason: fmt.Sprintf("stale: version %s is newer and has succeeded; allowStale replays it all the same", by.ID),
		}
	}
	return err
}

// rangeOf returns the versions of a resource that a series replays, oldest first, or a verdict.
func (l *Listener) rangeOf(ctx context.Context, it ledger.Item, p plan) ([]eventlog.Version, error) {
	in, err := l.inSeries(ctx, it, p)
	if err != nil {
		return nil, err
	}
	var found []eventlog.Version
	newest := ""
	for v, err := range l.versions(ctx, it.ResourceID, p.Select.OwnerID) {
		if err != nil {
			return nil, err
		}
		if newest == "" {
			newest = v.ID
		}
		take, more := in(v)
		if take && p.Select.Recorded.Contains(v.At()) {
			found = append(found, v)
		}
		if len(found) > replay.MaxSeriesVersions {
			return nil, fail("", "TooManyVersions: the series has more than %d versions of this resource: narrow it",
				replay.MaxSeriesVersions)
		}
		if s := p.Versions.Series; !more || s != nil && s.Last > 0 && len(found) == s.Last {
			break
		}
	}
	if len(found) == 0 {
		return nil, skip("no event of it is in the series")
	}
	if found[0].ID != newest {
		if err := l.stale(ctx, it.ResourceID, found[0].ID, p); err != nil {
			return nil, err
		}
	}
	slices.Reverse(found)
	return found, nil
}

// inSeries returns whether a version is in the series, and whether an older one may be.
func (l *Listener) inSeries(ctx context.Context, it ledger.Item, p plan) (func(eventlog.Version) (take, more bool), error) {
	if p.Versions.Series == nil {
		return l.named(ctx, it.ResourceID, p.Versions.IDs)
	}
	s := p.Versions.Series
	var isFrom, isTo func(eventlog.Version) bool
	for _, end := range []struct {
		bound *replay.Bound
		is    *func(eventlog.Version) bool
	}{{s.From, &isFrom}, {s.To, &isTo}} {
		if end.bound == nil || end.bound.VersionID == "" {
			continue
		}
		same, err := l.same(ctx, it.ResourceID, end.bound.VersionID)
		if err != nil {
			return nil, err
		}
		*end.is = same
	}
	begun := isTo == nil
	return func(v eventlog.Version) (take, more bool) {
		begun = begun || isTo(v)
		take = begun
		if s.To != nil && s.To.Time != nil && !v.At().Before(*s.To.Time) {
			take = false
		}
		if s.From != nil && s.From.Time != nil && v.At().Before(*s.From.Time) {
			take = false
		}
		return take, isFrom == nil || !isFrom(v)
	}, nil
}

// named takes the versions with given ids. All of them must exist.
func (l *Listener) named(ctx context.Context, resourceID string, ids []string) (func(eventlog.Version) (take, more bool), error) {
	sames := make([]func(eventlog.Version) bool, len(ids))
	for i, id := range ids {
		same, err := l.same(ctx, resourceID, id)
		if err != nil {
			return nil, err
		}
		sames[i] = same
	}
	return func(v eventlog.Version) (take, more bool) {
		return slices.ContainsFunc(sames, func(same func(eventlog.Version) bool) bool { return same(v) }), true
	}, nil
}
