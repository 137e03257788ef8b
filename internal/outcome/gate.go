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
	Hold(ctx context.Context, h domain.PublicationHold) (domain.Publication, error)
	Release(ctx context.Context, resourceID, holder string) error
}

// PublishGate orders the publications of a resource. An event raises the resource's place before it is sent; an older
// one that must not follow a newer one holds the place while it is sent, and newer ones wait until it is released.
//
// One case remains: a request to SNS may take longer than the hold, after its client has given it up. If SNS accepted
// the message at a second try, the first one may deliver a copy after newer events.
type PublishGate struct {
	publications Publications
	logger       *slog.Logger

	Now   func() time.Time                           // the clock, by default the machine's
	Sleep func(context.Context, time.Duration) error // waits, by default by the machine's clock
}

const (
	// holdFor is how long a holder that died keeps newer events of its resource waiting.
	holdFor = 10 * time.Second
	// sendFor is how long a holder may send. The rest of the hold allows for clock differences.
	sendFor = 5 * time.Second
	// poll is the time between two checks of the holder.
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
func (g *PublishGate) Pass(ctx context.Context, row domain.Execution, guarded bool, send func(context.Context) error) (sent bool, err error) {
	if guarded {
		return g.hold(ctx, row, send)
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

// await waits while an older event is being sent. A holder that does not release it has died, and its hold expires.
func (g *PublishGate) await(ctx context.Context, p domain.Publication, row domain.Execution) error {
	began := g.Now()
	first := p
	for p.Holder != "" && p.Holder != row.Name && p.HolderPlace.Before(row.Placed().Time) {
		// The holder's clock may differ, so this clock measures the wait. A hold that ended long ago is not waited for.
		if g.Now().Sub(began) > holdFor || g.Now().Sub(p.HeldUntil.Time) > holdFor {
			if p.Holder == first.Holder {
				return g.publications.Release(ctx, row.ResourceID, p.Holder)
			}
			return nil
		}
		if err := g.Sleep(ctx, poll); err != nil {
			return fmt.Errorf("wait for publication by %s: %w", p.Holder, err)
		}
		var err error
		if p, err = g.publications.Get(ctx, row.ResourceID); err != nil {
			return err
		}
	}
	return nil
}

func (g *PublishGate) hold(ctx context.Context, row domain.Execution, send func(context.Context) error) (sent bool, err error) {
	for {
		h := domain.PublicationHold{ResourceID: row.ResourceID, Execution: row.Name, Place: row.Placed(), Over: row.Over, Now: g.Now()}
		if h.Over.Before(h.Place.Time) {
			h.Over = h.Place
		}
		h.Until = h.Now.Add(holdFor)
		p, err := g.publications.Hold(ctx, h)
		if err == nil {
			break
		}
		if !errors.Is(err, ledger.ErrConflict) {
			return false, err
		}
		if p.Place.After(h.Over.Time) {
			return false, nil
		}
		if err := g.Sleep(ctx, poll); err != nil { // another replay of the resource is sending
			return false, fmt.Errorf("wait for publication by %s: %w", p.Holder, err)
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	err = send(sending)
	if errs.Transient(err) { // the request may still be in progress, so the hold must expire
		return false, err
	}
	if rerr := g.publications.Release(ctx, row.ResourceID, row.Name); rerr != nil {
		g.logger.Log(ctx, errs.Level(rerr), "publication not released", "execution", row.Name, "error", rerr)
	}
	return err == nil, err
}
