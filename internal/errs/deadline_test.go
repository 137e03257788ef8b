package errs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheReserveIsATenthWithinItsBounds(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		15 * time.Minute:       3 * time.Second,
		30 * time.Second:       3 * time.Second,
		10 * time.Second:       time.Second,
		2 * time.Second:        500 * time.Millisecond,
		600 * time.Millisecond: 300 * time.Millisecond,
		0:                      0,
		-time.Second:           0, // the context has ended
	} {
		if got := reserve(left); got != want {
			t.Errorf("%s left: got %s, want %s", left, got, want)
		}
	}
}

func TestEachReturnsInTimeWhateverTheWorkDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began, release := time.Now(), make(chan struct{})
		outs, errs := EachWithinDeadline(ctx, []string{"done", "refused", "minds", "ignores"}, func(ctx context.Context, in string) (string, error) {
			switch in {
			case "refused":
				return "", context.Canceled
			case "minds":
				<-ctx.Done()
				return "", errors.Join(errors.New("head object"), ctx.Err())
			case "ignores":
				<-release
			}
			return in, nil
		})
		took := time.Since(began)
		close(release) // late results must not reach the caller
		synctest.Wait()
		if took < 27*time.Second || took > 28*time.Second {
			t.Errorf("got an answer after %s, want a reserve of 3 s before the end", took)
		}
		if outs[0] != "done" || errs[0] != nil {
			t.Errorf("done: got %q, %v", outs[0], errs[0])
		}
		if !errors.Is(errs[1], context.Canceled) || errors.Is(errs[1], ErrDeadlinePassed) {
			t.Errorf("refused: got %v, want its own error", errs[1])
		}
		if !errors.Is(errs[2], ErrDeadlinePassed) || !strings.Contains(errs[2].Error(), "head object") {
			t.Errorf("minds its context: got %v, want ErrDeadlinePassed and the call", errs[2])
		}
		if !errors.Is(errs[3], ErrDeadlinePassed) || outs[3] != "" {
			t.Errorf("ignores its context: got %q, %v, want ErrDeadlinePassed", outs[3], errs[3])
		}
	})
}

func TestWorkWithoutALimitIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := WithinDeadline(t.Context(), func(context.Context) (int, error) {
			time.Sleep(time.Hour) // of a clock that does not wait
			return 7, nil
		})
		if got != 7 || err != nil {
			t.Errorf("got %d, %v, want 7", got, err)
		}
	})
}

func TestSuccessiveDeadlinesAllEndBeforeTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		release := make(chan struct{})
		for range 3 { // the batch, its steps, and what is sent again
			if _, err := WithinDeadline(ctx, func(context.Context) (int, error) { <-release; return 0, nil }); !errors.Is(err, ErrDeadlinePassed) {
				t.Errorf("got %v, want ErrDeadlinePassed", err)
			}
		}
		end, _ := ctx.Deadline()
		if left := time.Until(end); left < 50*time.Millisecond {
			t.Errorf("%s are left, want 50 ms for the answer", left)
		}
		close(release)
	})
}

func TestAnErrorOfACallsOwnDeadlineIsNotOurs(t *testing.T) {
	_, err := WithinDeadline(t.Context(), func(context.Context) (int, error) { return 0, context.DeadlineExceeded })
	if err == nil || errors.Is(err, ErrDeadlinePassed) {
		t.Errorf("got %v, want the call's own error", err)
	}
}

func TestAPanicReachesTheCaller(t *testing.T) {
	defer func() {
		if p, _ := recover().(error); p == nil || !strings.Contains(p.Error(), "no such thing") {
			t.Errorf("got %v, want the panic of the work", p)
		}
	}()
	_, _ = WithinDeadline(t.Context(), func(context.Context) (int, error) { panic("no such thing") })
}
