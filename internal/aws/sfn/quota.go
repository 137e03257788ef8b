package sfn

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
)

// ErrBusy means that Step Functions is not asked now, because the account's quota is needed by others, or that it
// refused the question for that reason. Nothing is lost: the same question may be asked later.
var ErrBusy = errors.New("questions to Step Functions are used up")

// Quota bounds how often executions are described and their histories read: both take from it, in whatever machine. All
// functions of an ingestion share its tokens.
type Quota struct {
	tokens tokens
	chunk  int
	now    func() time.Time
	turn   chan struct{} // who has it may spend: others wait for what it gets

	mu    sync.Mutex
	left  int
	until time.Time // it was empty, and is not asked before
}

const (
	// emptyFor is how long an empty quota is left alone.
	emptyFor = 5 * time.Second
	// throttledFor is how long Step Functions is left alone that has refused an answer.
	throttledFor = 30 * time.Second
)

// tokens are in the ledger: all functions share them. A question costs one.
type tokens interface {
	Spend(ctx context.Context, n int, now time.Time) (granted int, err error)
}

// NewQuota returns a quota that takes so many tokens at once. A nil now is the clock.
func NewQuota(tokens tokens, chunk int, now func() time.Time) *Quota {
	if now == nil {
		now = time.Now
	}
	return &Quota{tokens: tokens, chunk: chunk, now: now, turn: make(chan struct{}, 1)}
}

func busy() error {
	return fmt.Errorf("%w: %w", ErrBusy, &smithy.GenericAPIError{Code: "ThrottlingException", Message: "asked later"})
}

func (q *Quota) take(ctx context.Context) error {
	if q == nil {
		return nil
	}
	if known, err := q.have(); known {
		return err
	}
	select {
	case q.turn <- struct{}{}:
		defer func() { <-q.turn }()
	case <-ctx.Done():
		return fmt.Errorf("wait for questions to Step Functions: %w", ctx.Err())
	}
	if known, err := q.have(); known { // of what another has spent meanwhile
		return err
	}
	n, err := q.tokens.Spend(ctx, q.chunk, q.now()) // not under the lock: a call may hang
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if n == 0 {
		q.until = q.now().Add(emptyFor)
		return busy()
	}
	q.left += n - 1
	return nil
}

// have takes a question out of those that are left, or says that none are for now.
func (q *Quota) have() (known bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.now().Before(q.until):
		return true, busy()
	case q.left > 0:
		q.left--
		return true, nil
	}
	return false, nil
}

// refused leaves Step Functions alone for a while if it has refused an answer because of the rate.
func (q *Quota) refused(err error) error {
	if err == nil || !errs.Throttled(err) || errors.Is(err, ErrBusy) {
		return err
	}
	if q != nil {
		q.mu.Lock()
		q.left, q.until = 0, q.now().Add(throttledFor)
		q.mu.Unlock()
	}
	return fmt.Errorf("%w: %w", ErrBusy, err)
}

// Within is a machine whose executions are asked about within a quota. A nil one bounds nothing.
type Within struct {
	*Machine
	Quota *Quota
}

// Within returns the machine whose executions are asked about within a quota.
func (m *Machine) Within(q *Quota) Within { return Within{m, q} }

// Describe is Machine's, or ErrBusy.
func (w Within) Describe(ctx context.Context, name string) (Description, error) {
	if err := w.Quota.take(ctx); err != nil {
		return Description{}, fmt.Errorf("describe execution %s: %w", name, err)
	}
	d, err := w.Machine.Describe(ctx, name)
	return d, w.Quota.refused(err)
}

// FailedState is Machine's, or ErrBusy.
func (w Within) FailedState(ctx context.Context, name string) (string, error) {
	if err := w.Quota.take(ctx); err != nil {
		return "", fmt.Errorf("get history of execution %s: %w", name, err)
	}
	state, err := w.Machine.FailedState(ctx, name)
	return state, w.Quota.refused(err)
}

// List is Machine's, or ErrBusy.
func (w Within) List(ctx context.Context, status domain.ExecutionStatus, token string) ([]Listed, string, error) {
	page, next, err := w.Machine.List(ctx, status, token)
	if err != nil && errs.Throttled(err) {
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return page, next, err
}
