package listener

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/filter"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

const (
	// lookers is how many resources, or versions of one, are read at the same time.
	lookers = 16
	// maxLookedSeries is how many versions of a resource a page reads. If none of them fits, the item reads the others.
	maxLookedSeries = 20
	// lookFor bounds how long a page reads resources, because a filter may take a second for an event. Items check the
	// resources that the page does not reach.
	lookFor = 20 * time.Second
)

// fitting leaves out the resources that certainly do not fit the filters of a selection, and returns how many events it
// has read. Any other verdict about a resource becomes the outcome of its item.
func (l *Listener) fitting(ctx context.Context, req request, some []domain.Entry) (fit []domain.Entry, looked int, err error) {
	var count atomic.Int64
	until := l.now().Add(lookFor)
	fit, err = filtered(ctx, some, func(ctx context.Context, _ int, e domain.Entry) (bool, error) {
		if l.now().After(until) {
			return true, nil
		}
		fits, n, vd, err := l.mayFit(ctx, req, e)
		count.Add(int64(n))
		return fits || vd != nil, err // the item gets the verdict
	})
	return fit, int(count.Load()), err
}

// filtered returns the values that keep reports, in their order. It calls keep for several values at the same time.
func filtered[T any](
	ctx context.Context, some []T, keep func(ctx context.Context, i int, v T) (bool, error),
) (kept []T, err error) {
	keeps := make([]bool, len(some))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookers)
	for i, v := range some {
		group.Go(func() (err error) {
			keeps[i], err = keep(ctx, i, v)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, v := range some {
		if keeps[i] {
			kept = append(kept, v)
		}
	}
	return kept, nil
}

// mayFit reports whether a resource may fit the filters of a selection, as far as a page checks that, or a verdict.
func (l *Listener) mayFit(ctx context.Context, req request, e domain.Entry) (fits bool, looked int, vd *verdict, err error) {
	it := domain.Item{ResourceID: e.ResourceID, Want: e.VersionID, Failure: e.Failure}
	if unrecorded(it, req) {
		f, err := l.Book.Failures.Get(ctx, e.Failure)
		if err != nil {
			return false, 0, nil, err
		}
		fits, vd, err = l.keptFits(ctx, f, req)
		return fits, 1, vd, err
	}
	if it.ResourceID == "" || req.Action == replay.Redrive && it.Want == "" {
		return true, 0, nil, nil // its item finds out what failed
	}
	if req.Versions.Mode == replay.FailedVersion || req.Versions.Mode == replay.VersionIDs && len(req.Versions.IDs) == 1 {
		v, _, vd, err := l.wanted(ctx, it, req)
		if vd != nil || err != nil {
			return false, 0, vd, err
		}
		fits, vd, err = l.fits(ctx, e.ResourceID, v, req)
		return fits, 1, vd, err
	}
	if req.Versions.Mode == replay.VersionIDs {
		return true, 0, nil, nil // a few versions of one resource
	}
	return l.anyFits(ctx, e.ResourceID, req)
}

// anyFits reports whether the version that a request is about, or one of the series, may fit, or a verdict.
func (l *Listener) anyFits(ctx context.Context, resourceID string, req request) (fits bool, looked int, vd *verdict, err error) {
	in := func(v eventlog.Version) (take, more bool) {
		take = req.Versions.Mode != replay.VersionAsOf || !v.Time().After(*req.Versions.AsOf)
		return take, !take || !req.Select.Recorded.Contains(v.At())
	}
	if req.Versions.Mode == replay.VersionSeries {
		if in, vd, err = l.ends(ctx, resourceID, *req.Versions.Series, false); vd != nil || err != nil {
			return false, 0, vd, err
		}
	}
	var told *verdict
	var failed error
	next, vd, err := l.walk(ctx, resourceID, "", req, func(v eventlog.Version, _ bool) bool {
		take, more := in(v)
		if !take || !req.Select.Recorded.Contains(v.At()) {
			return more
		}
		looked++
		fits, told, failed = l.fits(ctx, resourceID, v, req)
		unsure := told != nil || failed != nil
		last := req.Versions.Mode == replay.VersionSeries && req.Versions.Series.Last == looked
		if !fits && !unsure && more && !last && looked == maxLookedSeries {
			fits = true // its item checks the others
		}
		return more && !last && !fits && !unsure
	})
	if vd, err = cmp.Or(vd, told), errors.Join(err, failed); vd != nil || err != nil {
		return false, looked, vd, err
	}
	return fits || next != "" || looked == 0, looked, nil, nil
}

// fits reports whether a version fits the filters of a selection, or a verdict if that cannot be found out.
func (l *Listener) fits(ctx context.Context, resourceID string, v eventlog.Version, req request) (bool, *verdict, error) {
	if req.Select.Outcome != "" {
		h, err := l.Book.Executions.History(ctx, resourceID, v.At(), v.At())
		if err != nil || outcomeOf(h, v.ID) != req.Select.Outcome {
			return false, nil, err
		}
	}
	if req.where == nil {
		return true, nil, nil
	}
	event, vd, err := l.event(ctx, resourceID, v.ID)
	if vd != nil || err != nil {
		return false, vd, err
	}
	return l.eventFits(ctx, v.ID, event, req)
}

func (l *Listener) eventFits(ctx context.Context, versionID string, event []byte, req request) (bool, *verdict, error) {
	fits, err := req.where.Match(ctx, event)
	if errors.Is(err, filter.ErrEvent) || errors.Is(err, filter.ErrTooCostly) {
		return false, fail(versionID, "FilterFailed: %v", err), nil
	}
	return fits, nil, err
}

// keptFits reports whether an event that never reached the log fits the filters of a selection, or a verdict if that
// cannot be found out.
func (l *Listener) keptFits(ctx context.Context, f domain.Failure, req request) (bool, *verdict, error) {
	if req.Select.Outcome != "" && req.Select.Outcome != replay.VersionFailed {
		return false, nil, nil
	}
	if req.where == nil || f.InputKey == "" {
		return true, nil, nil
	}
	event, vd, err := l.keptEvent(ctx, f.InputKey)
	if vd != nil || err != nil {
		return false, vd, err
	}
	return l.eventFits(ctx, "", event, req)
}

// outcomeOf returns the outcome of a version.
func outcomeOf(h domain.History, versionID string) replay.VersionOutcome {
	var v replay.Version
	for _, e := range h.Executions {
		switch {
		case e.VersionID != versionID:
		case e.Superseded:
			v.Executions = append(v.Executions, replay.Execution{Status: string(domain.Superseded)})
		default:
			v.Executions = append(v.Executions, replay.Execution{Status: string(e.Status)})
		}
	}
	for _, f := range h.Failures {
		if f.VersionID == versionID {
			v.Failures = append(v.Failures, replay.Setback{Status: string(f.Status)})
		}
	}
	return v.Outcome()
}

// unfit is the verdict about a version that does not fit the filters of a selection, nil if it does.
func (l *Listener) unfit(ctx context.Context, resourceID string, v eventlog.Version, req request) (*verdict, error) {
	if !req.Select.Filters() {
		return nil, nil
	}
	fits, vd, err := l.fits(ctx, resourceID, v, req)
	if vd != nil || err != nil || fits {
		return vd, err
	}
	return skipVersion(v.ID, "version %s does not fit the selection", v.ID), nil
}

// onlyFitting returns the versions of a resource that fit the filters of a selection, in their order, or the first
// verdict about one of them.
func (l *Listener) onlyFitting(ctx context.Context, resourceID string, ids []string, req request) ([]string, *verdict, error) {
	if !req.Select.Filters() {
		return ids, nil, nil
	}
	verdicts := make([]*verdict, len(ids))
	fitting, err := filtered(ctx, ids, func(ctx context.Context, i int, id string) (fits bool, err error) {
		v, err := l.Log.Version(ctx, resourceID, id)
		if errors.Is(err, eventlog.ErrNotFound) { // its item gets that verdict
			return true, nil
		}
		if err == nil {
			fits, verdicts[i], err = l.fits(ctx, resourceID, v, req)
		}
		return fits, err
	})
	return fitting, cmp.Or(verdicts...), err
}
