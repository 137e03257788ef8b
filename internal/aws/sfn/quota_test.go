package sfn

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/errs"
)

// asked counts what it is asked, and may refuse.
type asked struct {
	API
	n      int
	refuse bool
}

func (a *asked) DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	if a.n++; a.refuse {
		return nil, &smithy.GenericAPIError{Code: "ThrottlingException"}
	}
	return &sfn.DescribeExecutionOutput{Status: "FAILED", Error: aws.String("E")}, nil
}

func (a *asked) GetExecutionHistory(context.Context, *sfn.GetExecutionHistoryInput, ...func(*sfn.Options)) (*sfn.GetExecutionHistoryOutput, error) {
	a.n++
	return &sfn.GetExecutionHistoryOutput{}, nil
}

type tokensFunc func(n int) int

func (f tokensFunc) Spend(_ context.Context, n int, _ time.Time) (int, error) {
	return f(n), nil
}

func TestQuestionsKeepToTheirQuota(t *testing.T) {
	api, now, left, spent := &asked{}, time.Unix(1000, 0), 5, 0
	q := NewQuota(tokensFunc(func(n int) int {
		spent++
		n = min(n, left)
		left -= n
		return n
	}), 2, func() time.Time { return now })
	one := Within{New(api, "arn:stateMachine:a"), q}
	other := Within{New(api, "arn:stateMachine:b"), q}
	for range 3 {
		if _, err := one.Describe(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := other.FailedState(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if _, err := one.Describe(t.Context(), "x"); !errors.Is(err, ErrBusy) || !errs.Transient(err) {
			t.Fatalf("got %v, want ErrBusy, which passes", err)
		}
	}
	if api.n != 5 || spent != 4 {
		t.Errorf("asked %d times, took %d times out of the quota, want 5 and 4", api.n, spent)
	}
	left, now = 1, now.Add(emptyFor)
	if _, err := one.Describe(t.Context(), "x"); err != nil {
		t.Errorf("got %v after a while", err)
	}
}

func TestWhoIsThrottledAsksNoMoreForAWhile(t *testing.T) {
	api, now := &asked{refuse: true}, time.Unix(1000, 0)
	q := NewQuota(tokensFunc(func(n int) int { return n }), 10, func() time.Time { return now })
	m := Within{New(api, "arn:stateMachine:a"), q}
	for range 5 {
		if _, err := m.Describe(t.Context(), "x"); !errors.Is(err, ErrBusy) {
			t.Fatalf("got %v, want ErrBusy", err)
		}
	}
	if api.n != 1 {
		t.Errorf("asked %d times, want once", api.n)
	}
	api.refuse, now = false, now.Add(throttledFor)
	if _, err := m.Describe(t.Context(), "x"); err != nil {
		t.Errorf("got %v after a while", err)
	}
}

// Many ask at once: they spend one chunk after the other, so that nobody is refused while another holds what is left.
func TestThoseWhoAskTogetherShareAChunk(t *testing.T) {
	left := 100
	q := NewQuota(tokensFunc(func(n int) int {
		n = min(n, left)
		left -= n // under the quota's turn
		time.Sleep(time.Millisecond)
		return n
	}), 20, nil)
	var group sync.WaitGroup
	refused := make(chan error, 100)
	for range 100 {
		group.Go(func() { refused <- q.take(t.Context()) })
	}
	group.Wait()
	close(refused)
	for err := range refused {
		if err != nil {
			t.Fatalf("got %v, want 100 questions out of 100", err)
		}
	}
	if err := q.take(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}
