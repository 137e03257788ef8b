package outcome

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Publications are the rows of the ledger that a PublishGate uses.
type Publications interface {
	Get(ctx context.Context, resourceID string) (domain.Publication, error)
	Raise(ctx context.Context, resourceID string, place domain.Stamp) (domain.Publication, error)
	Lock(ctx context.Context, w domain.PublicationLock) (domain.Publication, error)
	Unlock(ctx context.Context, resourceID, lockedBy string) error
}

// PublishGate orders the publications of a resource. An event raises the resource's place before it is sent; an older
// one that must not follow a newer one locks the row while it is sent, and newer ones wait until it is unlocked.
//
// One case remains: a request to SNS may take longer than the lock, after its client has given it up. If SNS accepted
// the message at a second try, the first one may deliver a copy after newer events.
type PublishGate struct {
	publications Publications
	logger       *slog.Logger

	Now   func() time.Time                           // the clock, by default the machine's
	Sleep func(context.Context, time.Duration) error // waits, by default by the machine's clock
}

const (
	// lockFor is how long an execution that locked a row and died keeps newer events of its resource waiting.
	lockFor = 10 * time.Second
	// sendFor is how long a row may be locked to send. The rest of lockFor allows for clock differences.
	sendFor = 5 * time.Second
	// poll is the time between two checks of a lock.
	poll = 50 * time.Millisecond
)

// NewPublishGate returns a PublishGate. A nil logger discards.
func NewPublishGate(publications Publications, logger *slog.Logger) *PublishGate {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &PublishGate{publications: publications, logger: logger, Now: time.Now, Sleep: smithytime.SleepWithContext}
}

// Pass sends the output that a row is about, unless it must not follow what was published of its resource. Then it
// returns false and sends nothing. A row that is not guarded always passes.
func (g *PublishGate) Pass(
	ctx context.Context, row domain.Execution, guarded bool, send func(context.Context) error,
) (sent bool, err error) {
	if guarded {
		return g.sendLocked(ctx, row, send)
	}
	p, err := g.publications.Raise(ctx, row.ResourceID, row.Placed())
	if err != nil {
		return false, err
	}
	if err := g.await(ctx, p, row); err != nil {
		return false, err
	}
	return true, send(ctx)
}

// await waits while an older event is being sent. An execution that does not unlock the row has died, and its lock
// expires.
func (g *PublishGate) await(ctx context.Context, p domain.Publication, row domain.Execution) error {
	began := g.Now()
	first := p
	for p.LockedBy != "" && p.LockedBy != row.Name && p.LockedPlace.Before(row.Placed().Time) {
		// The other's clock may differ, so this clock measures the wait. A lock that ended long ago is not waited for.
		if g.Now().Sub(began) > lockFor || g.Now().Sub(p.LockedUntil.Time) > lockFor {
			if p.LockedBy == first.LockedBy {
				return g.publications.Unlock(ctx, row.ResourceID, p.LockedBy)
			}
			return nil
		}
		if err := g.Sleep(ctx, poll); err != nil {
			return fmt.Errorf("wait for publication by %s: %w", p.LockedBy, err)
		}
		var err error
		if p, err = g.publications.Get(ctx, row.ResourceID); err != nil {
			return err
		}
	}
	return nil
}

// sendLocked sends while it has locked the row, unless a newer event was published.
func (g *PublishGate) sendLocked(
	ctx context.Context, row domain.Execution, send func(context.Context) error,
) (sent bool, err error) {
	for {
		w := domain.PublicationLock{
			ResourceID: row.ResourceID, Execution: row.Name, Place: row.Placed(), MayFollow: row.MayFollow, Now: g.Now(),
		}
		if w.MayFollow.Before(w.Place.Time) {
			w.MayFollow = w.Place
		}
		w.Until = w.Now.Add(lockFor)
		p, err := g.publications.Lock(ctx, w)
		if err == nil {
			break
		}
		if !errors.Is(err, ledger.ErrConflict) {
			return false, err
		}
		if p.Place.After(w.MayFollow.Time) {
			return false, nil
		}
		if err := g.Sleep(ctx, poll); err != nil { // another replay of the resource is sending
			return false, fmt.Errorf("wait for publication by %s: %w", p.LockedBy, err)
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	err = send(sending)
	if errs.Transient(err) { // the request may still be in progress, so the lock must expire
		return false, err
	}
	if rerr := g.publications.Unlock(ctx, row.ResourceID, row.Name); rerr != nil {
		g.logger.Log(ctx, errs.Level(rerr), "publication not unlocked", "execution", row.Name, "error", rerr)
	}
	return err == nil, err
}
