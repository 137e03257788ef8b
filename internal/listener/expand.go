package listener

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/classify"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/replay"
)

// expand finds one page of a replay's resources, queues an item for each, and queues the next page.
func (l *Listener) expand(ctx context.Context, msg message.Replay) error {
	r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil {
		return err
	}
	p, err := l.Book.Pages.Get(ctx, msg.ReplayID, msg.Page)
	if errors.Is(err, ledger.ErrNotFound) {
		p, err = l.bindPage(ctx, msg)
	}
	if errors.Is(err, errStopped) {
		return l.Board.Look(ctx, msg.ReplayID, l.now())
	}
	if err != nil || p.Sent {
		return err
	}
	posts, err := l.posts(ctx, r, p)
	if err != nil {
		return err
	}
	if p.Next == "" && p.Items == 0 { // no item will look whether the replay is complete
		if err := l.Board.Look(ctx, p.ReplayID, l.now()); err != nil {
			return err
		}
	}
	if err := l.Queue.Post(ctx, posts...); err != nil {
		return err
	}
	l.Logger.InfoContext(ctx, "replay page expanded", "replayId", p.ReplayID, "page", p.Number, "items", p.Items)
	return l.Book.Pages.MarkSent(ctx, p)
}

// posts are the messages of a page: one for each item and one for the next page, which goes last, so that nobody finds
// it before the items are sent. Those of a paced replay are spread over the delays of the queue.
func (l *Listener) posts(ctx context.Context, r domain.Replay, p domain.Page) ([]queue.Post, error) {
	after := func(int) time.Duration { return 0 }
	rate, err := l.rate(ctx, r)
	if err != nil {
		return nil, err
	}
	if rate > 0 {
		now := l.now()
		if p.StartsAt.Before(now) { // the message came late: what is due by now must not start all at once
			p.StartsAt = domain.At(now)
			if err := l.Book.Pages.SetStart(ctx, p, p.StartsAt); err != nil {
				return nil, err
			}
		}
		after = func(i int) time.Duration { return p.StartsAt.Add(timeOf(i, rate)).Sub(now) }
	}
	posts := make([]queue.Post, p.Items, p.Items+1)
	for i := range posts {
		m := message.Replay{Kind: message.KindItem, ReplayID: p.ReplayID, Page: p.Number, Ordinal: i}
		posts[i] = queue.Post{Body: m.Encode(), Delay: after(i)}
	}
	if p.Next != "" {
		m := message.Replay{Kind: message.KindExpand, ReplayID: p.ReplayID, Page: p.Number + 1}
		posts = append(posts, queue.Post{Body: m.Encode(), Delay: after(p.Items) - expandAhead})
	}
	return posts, nil
}

// expandAhead is how much earlier than its first item is due a page of a paced replay is looked up: the queue's delays
// are whole seconds, rounded up, and a fast replay has many pages in one.
const expandAhead = 2 * ledger.PaceWindow

// timeOf is the time that n starts take at a rate.
func timeOf(n int, perSecond float64) time.Duration {
	return time.Duration(float64(n) / perSecond * float64(time.Second))
}

var errStopped = errors.New("the replay was stopped")

const bindRounds = 5 // series that add their versions take room at the same time

// bindPage selects the resources of a page and binds them, so that a redelivery does not select others.
func (l *Listener) bindPage(ctx context.Context, msg message.Replay) (domain.Page, error) {
	var before domain.Page
	var err error
	if msg.Page > 0 {
		if before, err = l.Book.Pages.Get(ctx, msg.ReplayID, msg.Page-1); err != nil {
			return before, err
		}
	}
	plan, err := l.plan(ctx, msg.ReplayID)
	if err != nil {
		return before, err
	}
	for range bindRounds {
		r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
		if err != nil {
			return before, err
		}
		if r.Stopped() {
			return before, errStopped
		}
		rate, err := l.rate(ctx, r)
		if err != nil {
			return before, err
		}
		entries, next, truncated, err := l.fill(ctx, r, plan.Request, before.Next)
		if err != nil {
			return before, err
		}
		p := domain.Page{ReplayID: msg.ReplayID, Number: msg.Page, Items: len(entries), Next: next}
		if rate > 0 {
			p.StartsAt = domain.At(l.now())
			if due := before.StartsAt.Add(timeOf(before.Items, rate)); due.After(l.now()) {
				p.StartsAt = domain.At(due)
			}
		}
		err = l.Book.Pages.Add(ctx, r, p, entries, truncated)
		if !errors.Is(err, ledger.ErrConflict) {
			return p, err
		}
		p, err = l.Book.Pages.Get(ctx, msg.ReplayID, msg.Page) // another delivery bound it, or the replay has changed
		if !errors.Is(err, ledger.ErrNotFound) {
			return p, err
		}
	}
	return before, fmt.Errorf("bind page %d of replay %s: %w", msg.Page, msg.ReplayID, ledger.ErrConflict)
}

// fill selects a page for which the replay has room. Truncated tells that the selection has more than maxItems.
func (l *Listener) fill(ctx context.Context, r domain.Replay, req replay.Request, cursor string) (entries []domain.Entry, next string, truncated bool, err error) {
	room := r.Room()
	if room > 0 {
		entries, next, err = l.selection(ctx, req.Select, cursor, min(room, ledger.MaxPageItems))
		if err != nil || next == "" || len(entries) < room {
			return entries, next, false, err
		}
		cursor = next
	}
	more, further, err := l.selection(ctx, req.Select, cursor, 1)
	return entries, "", len(more) > 0 || further != "", err
}

// selection returns at most limit resources and the cursor of the next page, empty after the last.
func (l *Listener) selection(ctx context.Context, s replay.Select, cursor string, limit int) (entries []domain.Entry, next string, err error) {
	var ids []string
	switch {
	case s.Failures != nil:
		return l.failures(ctx, *s.Failures, cursor, limit)
	case s.All:
		ids, next, err = l.Log.Resources(ctx, s.Recorded, cursor, limit)
	case s.OwnerID != "":
		var since time.Time
		if s.Recorded != nil && s.Recorded.From != nil {
			since = *s.Recorded.From
		}
		ids, next, err = l.Book.Owners.Resources(ctx, s.OwnerID, since, cursor, limit)
	default:
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
	}
	entries = make([]domain.Entry, len(ids))
	for i, id := range ids {
		entries[i].ResourceID = id
	}
	return entries, next, err
}

// failures selects from the quarantine, newest first. Two failures of the same version are one item.
func (l *Listener) failures(ctx context.Context, s replay.FailureFilter, cursor string, limit int) ([]domain.Entry, string, error) {
	rows, next, err := l.Book.Failures.Quarantined(ctx, QuarantineFilter(s), cursor, limit)
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

// QuarantineFilter returns the ledger's form of a filter.
func QuarantineFilter(s replay.FailureFilter) domain.QuarantineFilter {
	var f domain.QuarantineFilter
	if s.Since != nil {
		f.Since = *s.Since
	}
	if s.Until != nil {
		f.Until = *s.Until
	}
	if s.Error != "" {
		f.Error = func(name string) bool { return classify.Match(s.Error, name) } // it was checked with the request
	}
	return f
}
