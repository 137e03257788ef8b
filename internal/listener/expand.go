package listener

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// expand finds one page of a replay's resources, queues an item for each, and queues the next page.
func (l *Listener) expand(ctx context.Context, msg protocol.ReplayMessage) error {
	r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil {
		return err
	}
	p, err := l.Book.Pages.Get(ctx, msg.ReplayID, msg.Page)
	bound := true
	if errors.Is(err, ledger.ErrNotFound) {
		p, bound, err = l.bindPage(ctx, msg)
	}
	if err != nil || !bound || p.Sent {
		return err
	}
	posts, err := l.posts(ctx, r, p)
	if err != nil {
		return err
	}
	if p.Next == "" && p.Items == 0 { // no item will check whether the replay is complete
		if err := l.Progress.CompleteIfDone(ctx, p.ReplayID, l.now()); err != nil {
			return err
		}
	}
	if err := l.Queue.Post(ctx, posts...); err != nil {
		return err
	}
	l.Logger.InfoContext(ctx, "replay page expanded", "replayId", p.ReplayID, "page", p.Number, "items", p.Items)
	return l.Book.Pages.MarkSent(ctx, p)
}

// posts are the messages of a page: one for each item and one for the next page. That one goes last: the next page must
// not be found before the items are sent. The messages of a paced replay are delayed to keep its pace.
func (l *Listener) posts(ctx context.Context, r domain.Replay, p domain.Page) ([]sqs.Post, error) {
	after := func(int) time.Duration { return 0 }
	rate, err := l.rate(ctx, r)
	if err != nil {
		return nil, err
	}
	if rate > 0 {
		now := l.now()
		if p.StartsAt.Before(now) { // the message came late: the items that are due by now must not start all at once
			p.StartsAt = domain.At(now)
			if err := l.Book.Pages.SetStart(ctx, p, p.StartsAt); err != nil {
				return nil, err
			}
		}
		after = func(i int) time.Duration { return p.StartsAt.Add(timeOf(i, rate)).Sub(now) }
	}
	posts := make([]sqs.Post, 0, p.Items+1)
	for i := 0; i < p.Items && r.MayBegin(p.First+i); i++ {
		posts = append(posts, sqs.Post{Body: itemMessage(p.ReplayID, p.Number, i).Encode(), Delay: after(i)})
	}
	if p.Next != "" && r.MayBegin(p.First+p.Items) {
		m := protocol.ReplayMessage{Kind: protocol.KindExpand, ReplayID: p.ReplayID, Page: p.Number + 1}
		posts = append(posts, sqs.Post{Body: m.Encode(), Delay: after(p.Items) - expandAhead})
	}
	return posts, nil
}

// expandAhead is how long before its first item is due a page of a paced replay is expanded. The delays of a queue are
// whole seconds, rounded up, and a fast replay has many pages in one second.
const expandAhead = 2 * ledger.PaceWindow

// timeOf is how long n starts take at a rate.
func timeOf(n int, perSecond float64) time.Duration {
	return time.Duration(float64(n) / perSecond * float64(time.Second))
}

const bindRounds = 5 // attempts, because series that add versions take room at the same time

// bindPage selects the resources of a page and binds them, because a redelivery must not select others. Nothing is
// bound if the replay was stopped or is paused, or if its ramp has not reached the page.
func (l *Listener) bindPage(ctx context.Context, msg protocol.ReplayMessage) (p domain.Page, bound bool, err error) {
	var before domain.Page
	if msg.Page > 0 {
		if before, err = l.Book.Pages.Get(ctx, msg.ReplayID, msg.Page-1); err != nil {
			return p, false, err
		}
	}
	req, err := l.request(ctx, msg.ReplayID)
	if err != nil {
		return p, false, err
	}
	for range bindRounds {
		r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
		if err != nil {
			return p, false, err
		}
		if r.Stopped() {
			return p, false, l.Progress.CompleteIfDone(ctx, r.ID, l.now())
		}
		if parked, err := l.parked(ctx, r); parked || err != nil || !r.MayBegin(r.Matched) {
			return p, false, err
		}
		rate, err := l.rate(ctx, r)
		if err != nil {
			return p, false, err
		}
		found, truncated, err := l.fill(ctx, r, req, before.Next)
		if err != nil {
			return p, false, err
		}
		p = domain.Page{
			ReplayID: msg.ReplayID, Number: msg.Page, Items: len(found.entries), Next: found.next, Looked: found.looked,
			First: r.Matched,
		}
		if rate > 0 {
			p.StartsAt = domain.At(l.now())
			if due := before.StartsAt.Add(timeOf(before.Items, rate)); due.After(l.now()) {
				p.StartsAt = domain.At(due)
			}
		}
		err = l.Book.Pages.Add(ctx, r, p, found.entries, truncated)
		if !errors.Is(err, ledger.ErrConflict) {
			return p, true, err
		}
		p, err = l.Book.Pages.Get(ctx, msg.ReplayID, msg.Page) // another delivery bound it, or the replay has changed
		if !errors.Is(err, ledger.ErrNotFound) {
			return p, true, err
		}
	}
	return p, false, fmt.Errorf("bind page %d of replay %s: %w", msg.Page, msg.ReplayID, ledger.ErrConflict)
}
