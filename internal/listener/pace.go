package listener

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Pace is how many executions per second all replays of an ingestion may start together. With the zero value, only
// maxPerSecond bounds a replay.
type Pace struct {
	StartsPerSecond          float64 // of all replays, automatic ones included; 0: no bound
	RequestedStartsPerSecond float64 // in addition, of replays that ask for more than StartsPerSecond; 0: they get a share of StartsPerSecond
}

// maxRedrives is how many executions a second a replay redrives at most. Each is described first, and the quota of
// DescribeExecution refills at 10 to 15 a second, of which auto-replay takes up to 5 ("Quotas related to API action
// throttling", Step Functions Developer Guide). RedriveExecution has its own, larger quota.
const maxRedrives = 5

// budget is the budget from which a replay takes its starts, and the claimant. Paced is false if nothing bounds them. A
// republish starts nothing, so only its own maxPerSecond bounds it.
func (p Pace) budget(r domain.Replay) (b ledger.Budget, c ledger.Claimant, paced bool) {
	c = ledger.Claimant{Name: r.ID, MaxPerSecond: r.MaxPerSecond}
	switch {
	case r.DryRun:
		return b, c, false
	case r.Action == replay.Republish || p.StartsPerSecond == 0:
		return ledger.Own(r.ID, r.MaxPerSecond), c, r.MaxPerSecond > 0
	case r.Action == replay.Redrive:
		c.MaxPerSecond = min(cmp.Or(r.MaxPerSecond, maxRedrives), maxRedrives)
		return ledger.Starts(p.StartsPerSecond), c, true
	case float64(r.MaxPerSecond) > p.StartsPerSecond && p.RequestedStartsPerSecond > 0:
		return ledger.Requested(p.RequestedStartsPerSecond), c, true
	}
	return ledger.Starts(p.StartsPerSecond), c, true
}

// rate is how many items per second a replay can expect to start from now on; 0: no bound.
func (l *Listener) rate(ctx context.Context, r domain.Replay) (float64, error) {
	b, c, paced, err := l.budget(ctx, r)
	if !paced || err != nil {
		return 0, err
	}
	return l.Book.Pace.Rate(ctx, b, c, l.now())
}

// batchStarts holds the starts that the messages of a batch have reserved together. Reserving each start separately
// would make ten times as many writes to one row.
type batchStarts struct {
	turn chan struct{} // held by the message that reads or writes the others
	left int           // messages that may still need a start
	has  ledger.Reserved
	none bool // the windows near are full
}

type startsByClaimant map[string]*batchStarts

type batchStartsKey struct{}

// withBatchStarts lets the messages of a batch reserve their starts together. Those that have a start already reserve
// none.
func (l *Listener) withBatchStarts(ctx context.Context, batch []events.SQSMessage) context.Context {
	all := startsByClaimant{}
	for _, m := range batch {
		msg, err := protocol.DecodeReplayMessage(m.Body)
		if err != nil || l.inTime(msg.Slot) || msg.Kind != protocol.KindItem && msg.Kind != protocol.KindAuto {
			continue
		}
		name := ledger.AutoClaimant
		if msg.Kind == protocol.KindItem {
			name = msg.ReplayID
		}
		if all[name] == nil {
			all[name] = &batchStarts{turn: make(chan struct{}, 1)}
		}
		all[name].left++
	}
	return context.WithValue(ctx, batchStartsKey{}, all)
}

// reserve takes one of the starts that a batch has reserved, and reserves them first if it has none.
func (l *Listener) reserve(ctx context.Context, b ledger.Budget, c ledger.Claimant) (ledger.Reserved, error) {
	all, _ := ctx.Value(batchStartsKey{}).(startsByClaimant)
	p := all[c.Name]
	if p == nil {
		return l.Book.Pace.Reserve(ctx, b, c, 1, l.now())
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ledger.Reserved{}, ctx.Err()
	}
	if p.has.N == 0 && !p.none {
		got, err := l.Book.Pace.Reserve(ctx, b, c, max(p.left, 1), l.now())
		if err != nil {
			return got, err
		}
		p.has, p.none = got, got.N == 0
	}
	p.left--
	one := ledger.Reserved{At: p.has.At}
	if p.has.N > 0 {
		p.has.N--
		one.N = 1
	}
	return one, nil
}

// inTime reports whether a start that was reserved in the window of a slot may still be made. After the window, it
// would come on top of the starts of others.
func (l *Listener) inTime(slot int64) bool {
	return slot > 0 && l.now().Sub(time.Unix(slot, 0)) < ledger.PaceWindow
}

// maxPaceWait bounds how long a message waits that found no window with room. It is short enough for its claimant to
// keep its share.
const maxPaceWait = 40 * time.Second

// slot is when a start may be made: the reserved start, if it is still in time, or one that is reserved now. If all
// windows that may be reserved are full, found is false, and the caller may ask again at that time.
func (l *Listener) slot(
	ctx context.Context, b ledger.Budget, c ledger.Claimant, reserved int64,
) (at time.Time, found bool, err error) {
	if l.inTime(reserved) {
		return time.Unix(reserved, 0), true, nil
	}
	got, err := l.reserve(ctx, b, c)
	return got.At, got.N > 0, err
}

// askLater sends a message again that has no start yet. Each time it finds none, it waits longer.
func (l *Listener) askLater(ctx context.Context, msg protocol.ReplayMessage, least time.Duration) error {
	spread := min(ledger.PaceWindow<<min(msg.Waits, 10), maxPaceWait)
	msg.Slot, msg.Waits = 0, msg.Waits+1
	return l.postpone(ctx, msg, least+time.Duration(rand.Int64N(int64(spread)))) //nolint:gosec // jitter
}

// postpone sends a message again that has to wait.
func (l *Listener) postpone(ctx context.Context, msg protocol.ReplayMessage, delay time.Duration) error {
	if msg.Since > 0 { // it is not failing any more
		msg.Since += int64(delay.Seconds())
	}
	return l.send(ctx, msg, delay)
}

// pace sends a message again if its replay may not make a start now. It is a new message each time, so its receives do
// not add up. Automatic replays count as one replay here, named ledger.AutoClaimant.
func (l *Listener) pace(ctx context.Context, r domain.Replay, msg protocol.ReplayMessage) (waits bool, err error) {
	b, c, paced, err := l.budget(ctx, r)
	if !paced || err != nil {
		return false, err
	}
	at, found, err := l.slot(ctx, b, c, msg.Slot)
	if err != nil {
		return false, err
	}
	now := l.now()
	switch {
	case !found:
		return true, l.askLater(ctx, msg, at.Sub(now))
	case !at.After(now):
		return false, nil
	}
	msg.Slot, msg.Waits = at.Unix(), 0
	return true, l.postpone(ctx, msg, at.Sub(now))
}

// seriesPace returns an order to wait if a version may not start now, otherwise the zero order. Each wait adds events
// to the execution's history, so a series reserves a start far ahead, and waits once.
func (l *Listener) seriesPace(ctx context.Context, r domain.Replay, before SeriesOrder) (SeriesOrder, error) {
	b, c, paced, err := l.budget(ctx, r)
	if !paced || err != nil {
		return SeriesOrder{}, err
	}
	c.Patient = true
	at, found, err := l.slot(ctx, b, c, before.Slot)
	if err != nil {
		return SeriesOrder{}, err
	}
	now := l.now()
	switch {
	case !found:
		return SeriesOrder{Decision: decisionWait, WaitSeconds: int(ledger.PaceFar.Seconds())}, nil
	case !at.After(now):
		return SeriesOrder{}, nil
	}
	seconds := int(math.Ceil(at.Sub(now).Seconds()))
	return SeriesOrder{Decision: decisionWait, WaitSeconds: seconds, Slot: at.Unix()}, nil
}
