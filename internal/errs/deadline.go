package errs

// Deadlines let a handler answer before Lambda ends its function, even if its calls do not return.

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Work ends before its context, by a reserve: a tenth of the remaining time, within these bounds, and never more than
// half of it.
const (
	minReserve = 500 * time.Millisecond
	maxReserve = 3 * time.Second
)

// ErrDeadlinePassed is the error of work that was not done in time. It is a context.DeadlineExceeded, so it counts as
// transient.
var ErrDeadlinePassed = fmt.Errorf("not done in time: %w", context.DeadlineExceeded)

func reserve(left time.Duration) time.Duration {
	left = max(left, 0)
	return min(max(min(left/10, maxReserve), minReserve), left/2)
}

// WithinDeadline is EachWithinDeadline for one input.
func WithinDeadline[O any](ctx context.Context, do func(context.Context) (O, error)) (O, error) {
	outs, errs := EachWithinDeadline(ctx, []struct{}{{}}, func(ctx context.Context, _ struct{}) (O, error) { return do(ctx) })
	return outs[0], errs[0]
}

// EachWithinDeadline does something with each input, all at once, and returns the results in their order. It returns
// before ctx ends, even if some of the work ignores its context. Such work has ErrDeadlinePassed, and its result is
// unknown. So the work must not write to what its caller reads.
func EachWithinDeadline[I, O any](ctx context.Context, in []I, do func(context.Context, I) (O, error)) ([]O, []error) {
	work, last, cancel := within(ctx)
	defer cancel()
	results := make(chan result[O], len(in)) // the receiver may be gone when late ones come
	for i := range in {
		go func() {
			r := result[O]{at: i}
			defer func() {
				if p := recover(); p != nil {
					r.panic = fmt.Errorf("%v\n%s", p, debug.Stack())
				}
				results <- r
			}()
			r.out, r.err = do(work, in[i])
		}()
	}
	outs, errs := make([]O, len(in)), make([]error, len(in))
	for i := range errs {
		errs[i] = ErrDeadlinePassed
	}
	for range in {
		select {
		case r := <-results:
			if r.panic != nil {
				panic(r.panic) // where Lambda reports it; in its own goroutine it would end the process
			}
			outs[r.at], errs[r.at] = r.out, passed(work, r.err)
		case <-last:
			return outs, errs
		}
	}
	return outs, errs
}

type result[O any] struct {
	at    int
	out   O
	err   error
	panic error
}

// within returns the context of the work, and a channel that is closed when waiting must end. That is a little after
// the context has ended, so work that respects its context can still report its current call.
func within(ctx context.Context) (work context.Context, last <-chan time.Time, cancel func()) {
	end, limited := ctx.Deadline()
	if !limited {
		work, stop := context.WithCancel(ctx)
		return work, nil, stop
	}
	kept := reserve(time.Until(end))
	end = end.Add(-kept)
	work, stop := context.WithDeadline(ctx, end)
	timer := time.NewTimer(time.Until(end) + kept/10)
	return work, timer.C, func() { timer.Stop(); stop() }
}

// passed marks an error that was caused by the end of the work.
func passed(work context.Context, err error) error {
	if work.Err() == nil || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrDeadlinePassed) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDeadlinePassed, err)
}
