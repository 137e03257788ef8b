package listener

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// applyReads bounds how many pages of a plan are read for one page of the replay that applies it: a page of a plan may
// have no item that would run.
const applyReads = 25

// planned returns at most limit items of the plan that a replay applies, and the cursor of the next ones, empty after
// the last: those that would run, in the order of the plan. The versions of a series are one entry.
func (l *Listener) planned(
	ctx context.Context, req request, cursor string, limit int,
) (entries []domain.Entry, next string, err error) {
	plan, err := l.Book.Replays.Get(ctx, req.Apply.PlanID)
	if err != nil {
		return nil, "", err
	}
	page, ordinal, err := planPosition(cursor)
	if err != nil {
		return nil, "", err
	}
	of := l.plannedPage
	if req.Versions.Several() {
		of = l.plannedResources
	}
	for reads := 0; page < plan.Pages; reads++ {
		if reads == applyReads || len(entries) >= limit {
			return entries, planCursor(page, ordinal), nil
		}
		some, err := of(ctx, plan.ID, page, ordinal, limit-len(entries))
		if err != nil {
			return nil, "", err
		}
		for _, it := range some {
			entries = append(entries, entryOf(it))
		}
		if len(entries) < limit {
			page, ordinal = page+1, 0
		} else {
			ordinal = some[len(some)-1].Ordinal + 1
		}
	}
	return entries, "", nil
}

// plannedPage returns at most limit items of a page of a plan, each of one version, from an ordinal on.
func (l *Listener) plannedPage(ctx context.Context, id string, page, from, limit int) ([]domain.Item, error) {
	items, _, err := l.Book.Items.OfPage(ctx, id, page, fmt.Sprintf("%04d", from), ledger.MaxPageItems)
	items = onlyPlanned(items)
	return items[:min(limit, len(items))], err
}

// onlyPlanned leaves out items that would not run.
func onlyPlanned(items []domain.Item) []domain.Item {
	return slices.DeleteFunc(items, func(it domain.Item) bool { return it.Outcome != replay.WouldRun })
}

// plannedResources returns the first items of at most limit resources of a page of a plan of series, from an ordinal
// on. It does not check yet whether any version of a series would run.
func (l *Listener) plannedResources(ctx context.Context, id string, page, from, limit int) (items []domain.Item, err error) {
	p, err := l.Book.Pages.Get(ctx, id, page)
	for ordinal := from; err == nil && ordinal < p.Items && len(items) < limit; ordinal++ {
		var first []domain.Item
		first, err = l.Book.Items.OfResource(ctx, id, page, ordinal, 0, 1)
		if len(first) > 0 && (first[0].Outcome == replay.WouldRun || first[0].Want != "") {
			items = append(items, first[0])
		}
	}
	return items, err
}

func entryOf(it domain.Item) domain.Entry {
	return domain.Entry{
		ResourceID: it.ResourceID, VersionID: it.VersionID, Failure: it.Failure, Digest: it.Digest,
		Planned: planCursor(it.Page, it.Ordinal),
	}
}

func planCursor(page, ordinal int) string { return strconv.Itoa(page) + "#" + strconv.Itoa(ordinal) }

// planPosition undoes planCursor. An empty cursor is the beginning.
func planPosition(text string) (page, ordinal int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	one, two, _ := strings.Cut(text, "#")
	page, err = strconv.Atoi(one)
	if err == nil {
		ordinal, err = strconv.Atoi(two)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("position %q in a plan: %w", text, ledger.ErrCursor)
	}
	return page, ordinal, nil
}

// plannedSeries returns the items of a series that would run by the plan, oldest version first.
func (l *Listener) plannedSeries(ctx context.Context, t *task) ([]domain.Item, error) {
	page, ordinal, err := planPosition(t.it.Planned)
	if err != nil {
		return nil, err
	}
	items, err := l.Book.Items.OfResource(ctx, t.req.Apply.PlanID, page, ordinal, 0, replay.MaxSeriesVersions)
	return onlyPlanned(items), err
}

// asPlanned returns the version that is planned for an item, and the latest of its resource, or a verdict if either has
// changed since the plan.
func (l *Listener) asPlanned(ctx context.Context, t *task) (v, latest eventlog.Version, vd *verdict, err error) {
	if latest, vd, err = l.latest(ctx, t.it.ResourceID, t.req); vd != nil || err != nil {
		return v, latest, vd, err
	}
	if v, vd, err = l.versionWithID(ctx, t.it.ResourceID, t.it.Want); vd != nil || err != nil {
		return v, latest, vd, err
	}
	if t.req.Versions.Mode == replay.LatestVersion && t.req.Select.Recorded == nil && v.ID != latest.ID {
		return v, latest, skipVersion(v.ID, "version %s is newer than the planned one", latest.ID), nil
	}
	if t.it.Failure == "" {
		return v, latest, nil, nil
	}
	f, err := l.Book.Failures.Get(ctx, t.it.Failure)
	if err == nil && f.Status != domain.Quarantined {
		vd = skipVersion(v.ID, "%s", noLongerFailed(f))
	}
	return v, latest, vd, err
}

func noLongerFailed(f domain.Failure) string {
	return fmt.Sprintf("the failure of execution %s is %s by now", f.Execution, strings.ToLower(string(f.Status)))
}

// sameAsPlanned is the verdict about an event that a transform has made, if it differs from the planned one.
func (req request) sameAsPlanned(it domain.Item, versionID, digest string) *verdict {
	if req.Apply == nil || it.Digest == digest {
		return nil
	}
	return req.drift(skipVersion(versionID, "the transform makes another event of it than was planned"))
}
