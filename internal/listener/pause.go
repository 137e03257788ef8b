package listener

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// A message is deleted without being handled if its replay is paused, or if the ramp has not reached its item. The item
// waits in the ledger, and resuming, or the next step of the ramp, sends another message. So nothing waits in a queue,
// however long a pause takes.

// controlsFor is how long it may take until a pause of all replays, or of automatic ones, is noticed. The end of a
// pause is noticed at once: see parked.
const controlsFor = 3 * time.Second

// seenControls has the controls as they were read at a time.
type seenControls struct {
	domain.Controls
	at time.Time
}

// controls returns what is paused, as of at most controlsFor ago.
func (l *Listener) controls(ctx context.Context) (domain.Controls, error) {
	if seen := l.seen.Load(); seen != nil {
		if age := l.now().Sub(seen.at); age >= 0 && age < controlsFor {
			return seen.Controls, nil
		}
	}
	return l.freshControls(ctx)
}

func (l *Listener) freshControls(ctx context.Context) (domain.Controls, error) {
	now := l.now()
	c, err := l.Book.Controls.Get(ctx)
	if err == nil {
		l.seen.Store(&seenControls{c, now})
	}
	return c, err
}

// parked reports whether a replay is paused, by itself or with all others. If it is, parked records in its row that a
// message is about to be deleted: resuming the replay sends messages for all waiting items.
func (l *Listener) parked(ctx context.Context, r domain.Replay) (bool, error) {
	if !r.Paused() {
		c, err := l.controls(ctx)
		if err != nil || c.Pausing(r) == nil {
			return false, err
		}
	}
	if !r.Parked {
		if err := l.Book.Replays.Park(ctx, r.ID, r.Paused()); err != nil {
			return false, err // resumed just now: the message is tried again
		}
	}
	if r.Paused() {
		return true, nil
	}
	// Only after the row was written: resuming all replays first changes the controls, then reads the rows.
	c, err := l.freshControls(ctx)
	return err == nil && c.Pausing(r) != nil, err
}

// parkedSeries ends a series, or does not start it, while its replay is paused.
func (l *Listener) parkedSeries(ctx context.Context, r domain.Replay, s domain.Series) (bool, error) {
	if !s.Parked {
		if parked, err := l.parked(ctx, r); !parked || err != nil {
			return false, err
		}
		if err := l.Book.Series.Park(ctx, s); err != nil {
			return false, err
		}
	}
	// A resume meanwhile may have read the series before it was parked.
	r, err := l.Book.Replays.Get(ctx, s.ReplayID)
	if err != nil {
		return false, err
	}
	if parked, err := l.parked(ctx, r); parked || err != nil {
		return parked, err
	}
	return true, l.send(ctx, itemMessage(s.ReplayID, s.Page, s.Ordinal), 0)
}

// remaining lists the versions that an execution of a series has to run: all of them, or those that a pause has left.
func (l *Listener) remaining(ctx context.Context, s domain.Series) (indexes []int, err error) {
	if s.Run == 0 {
		for i := range s.Versions {
			indexes = append(indexes, i)
		}
		return indexes, nil
	}
	items, err := l.Book.Items.OfResource(ctx, s.ReplayID, s.Page, s.Ordinal, 0, replay.MaxSeriesVersions)
	for _, it := range items {
		if !it.Outcome.Final() {
			indexes = append(indexes, it.Index)
		}
	}
	return indexes, err
}

// resendReads is how many reads one message makes to find waiting items.
const resendReads = 25

// resend sends messages again for the waiting work of a replay that was resumed, or whose ramp has begun a step: for
// each resource or the rest of its series, and for the next page. A message may exist already, but it starts nothing
// twice.
func (l *Listener) resend(ctx context.Context, msg protocol.ReplayMessage) error {
	r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil {
		return err
	}
	if r.Stopped() || r.Status.Final() || r.ResendAt.IsZero() || r.Resends != msg.Resend {
		return nil
	}
	if parked, err := l.parked(ctx, r); parked || err != nil {
		return err
	}
	next := protocol.ReplayMessage{Kind: protocol.KindResend, ReplayID: r.ID, Resend: r.Resends}
	if msg.Cursor != r.ResendTo { // an earlier delivery has continued, and may have died before it sent the next message
		next.Cursor = r.ResendTo
		return l.send(ctx, next, r.ResendAt.Sub(l.now()))
	}
	rate, err := l.rate(ctx, r)
	if err != nil {
		return err
	}
	posts, to, err := l.waiting(ctx, r, rate)
	if err != nil {
		return err
	}
	takes := time.Duration(0)
	if rate > 0 {
		takes = timeOf(len(posts), rate)
	}
	if to == "" && !r.Expanded && r.MayBegin(r.Matched) {
		page := protocol.ReplayMessage{Kind: protocol.KindExpand, ReplayID: r.ID, Page: r.Pages}
		posts = append(posts, sqs.Post{Body: page.Encode(), Delay: takes - expandAhead})
	}
	if err := l.Queue.Post(ctx, posts...); err != nil {
		return err
	}
	due := domain.At(l.now().Add(max(takes-expandAhead, 0)))
	err = l.Book.Replays.AdvanceResend(ctx, r, to, due)
	if errors.Is(err, ledger.ErrConflict) { // another delivery has continued, and sends the next message
		return nil
	}
	if err != nil {
		return err
	}
	if to == "" {
		l.Logger.InfoContext(ctx, "messages of a replay sent again", "replayId", r.ID, "step", r.RampStep)
		return nil
	}
	next.Cursor = to
	return l.send(ctx, next, takes-expandAhead)
}

// waiting makes messages for waiting items that may begin, from the position in the replay's row on, at most as many as
// a page has items. It returns where the next message goes on, empty if nothing is left.
func (l *Listener) waiting(ctx context.Context, r domain.Replay, rate float64) (posts []sqs.Post, to string, err error) {
	to = r.ResendTo
	for items, err := range l.readOn(ctx, r, &to, resendReads) {
		if err != nil {
			return nil, "", err
		}
		if len(items) == 0 {
			continue
		}
		first, err := l.firstOf(ctx, r, items[0].Page)
		if err != nil {
			return nil, "", err
		}
		last := -1
		for _, it := range items {
			if !r.MayBegin(first + it.Ordinal) {
				return posts, "", nil
			}
			if it.Outcome != replay.Waiting || it.Execution != "" || it.Ordinal == last {
				continue
			}
			last = it.Ordinal
			post := sqs.Post{Body: itemMessage(r.ID, it.Page, it.Ordinal).Encode()}
			if rate > 0 {
				post.Delay = timeOf(len(posts), rate)
			}
			posts = append(posts, post)
		}
		if len(posts) >= ledger.MaxPageItems {
			break
		}
	}
	return posts, to, nil
}

// autoPaused reports whether automatic replays are paused, so that the message of one is deleted. Its failure stays
// open, and auto-replay sends it again after the pause.
func (l *Listener) autoPaused(ctx context.Context) (bool, error) {
	c, err := l.controls(ctx)
	if err != nil || !c.AutoPaused() {
		return false, err
	}
	c, err = l.freshControls(ctx)
	return err == nil && c.AutoPaused(), err
}
