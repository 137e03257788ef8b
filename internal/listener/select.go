package listener

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/failurejob"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// selected is a part of a selection.
type selected struct {
	entries []domain.Entry
	next    string // cursor of the next part; empty after the last
	looked  int    // events that the filters of the selection have read
}

// fill selects a page for which the replay has room. Truncated reports that the selection has more than maxItems, or
// with filters, that it may have.
func (l *Listener) fill(
	ctx context.Context, r domain.Replay, req request, cursor string,
) (found selected, truncated bool, err error) {
	room := r.Room()
	if room > 0 {
		found, err = l.selection(ctx, req, cursor, min(room, ledger.MaxPageItems))
		if err != nil || found.next == "" || len(found.entries) < room {
			return found, false, err
		}
		cursor = found.next
	}
	more, err := l.selection(ctx, req, cursor, 1)
	found.next, found.looked = "", found.looked+more.looked
	return found, len(more.entries) > 0 || more.next != "", err
}

// maxLookedPage is how many resources a page reads to find some that fit: about three calls each, which takes seconds.
const maxLookedPage = 500

// selection returns at most limit resources that belong to the selection, as far as a page can know: items check the
// rest. With filters, it reads as many resources as one message may, and perhaps none of them fits.
func (l *Listener) selection(ctx context.Context, req request, cursor string, limit int) (found selected, err error) {
	if req.Apply != nil {
		found.entries, found.next, err = l.planned(ctx, req, cursor, limit)
		return found, err
	}
	if !req.Select.Filters() {
		found.entries, found.next, err = l.candidates(ctx, req.Select, cursor, limit)
		return found, err
	}
	for seen := 0; ; {
		some, next, err := l.candidates(ctx, req.Select, cursor, limit-len(found.entries))
		if err != nil {
			return found, err
		}
		fit, looked, err := l.fitting(ctx, req, some)
		if err != nil {
			return found, err
		}
		found.entries, found.next, found.looked = append(found.entries, fit...), next, found.looked+looked
		// A page that is half full is bound. Otherwise, its rest would be searched for in ever smaller parts.
		if seen += len(some); next == "" || seen >= maxLookedPage || 2*len(found.entries) >= limit {
			return found, nil
		}
		cursor = next
	}
}

// candidates returns at most limit resources that may belong to a selection, and the cursor of the next ones, empty
// after the last. The narrowest condition decides where to search. Items check the conditions that only they can: who
// owns the latest event, and when versions were recorded.
func (l *Listener) candidates(
	ctx context.Context, s replay.Select, cursor string, limit int,
) (entries []domain.Entry, next string, err error) {
	var ids []string
	switch {
	case s.Failures != nil:
		return l.failures(ctx, s, cursor, limit)
	case len(s.ResourceIDs) > 0:
		from := 0
		if cursor != "" {
			if from, err = strconv.Atoi(cursor); err != nil || from > len(s.ResourceIDs) {
				return nil, "", fmt.Errorf("resources cursor %q: %w", cursor, ledger.ErrCursor)
			}
		}
		to := min(from+limit, len(s.ResourceIDs))
		if ids = s.ResourceIDs[from:to]; to < len(s.ResourceIDs) {
			next = strconv.Itoa(to)
		}
	case s.OwnerID != "":
		var since time.Time
		if s.Recorded != nil && s.Recorded.From != nil {
			since = *s.Recorded.From
		}
		ids, next, err = l.Book.Owners.Resources(ctx, s.OwnerID, since, cursor, limit)
	case s.All:
		ids, next, err = l.Log.Resources(ctx, s.Recorded, cursor, limit)
	default:
		return nil, "", fmt.Errorf("the selection is empty: %+v", s) // Decode refuses it
	}
	entries = make([]domain.Entry, len(ids))
	for i, id := range ids {
		entries[i].ResourceID = id
	}
	return entries, next, err
}

// failures selects from the quarantine, newest first. Two failures of the same version are one item.
func (l *Listener) failures(ctx context.Context, s replay.Select, cursor string, limit int) ([]domain.Entry, string, error) {
	rows, next, err := l.Book.Failures.List(ctx, quarantineFilter(s), cursor, limit)
	if err != nil {
		return nil, "", err
	}
	seen := map[domain.Entry]bool{}
	var entries []domain.Entry
	for _, f := range rows {
		e := domain.Entry{ResourceID: f.ResourceID, VersionID: f.VersionID}
		if seen[e] && e.VersionID != "" {
			continue
		}
		seen[e] = true
		e.Failure = domain.FailureID(f.Execution, f.RedriveCount)
		entries = append(entries, e)
	}
	return entries, next, nil
}

// quarantineFilter returns the ledger's form of a selection that has failures.
func quarantineFilter(s replay.Select) domain.FailureFilter {
	f := failurejob.Filter(replay.FailureQuery{
		Error: s.Failures.Error, State: s.Failures.State, Cause: s.Failures.Cause, OwnerID: s.OwnerID,
		Since: s.Failures.Since, Until: s.Failures.Until,
	})
	if matches := f.Match; len(s.ResourceIDs) > 0 {
		f.Match = func(row domain.Failure) bool {
			return slices.Contains(s.ResourceIDs, row.ResourceID) && (matches == nil || matches(row))
		}
	}
	return f
}
