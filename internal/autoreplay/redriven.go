package autoreplay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// failedPages is how many pages of failed executions of one status a run lists to find redriven ones: 400,000
// executions. The budget for calls of Step Functions bounds it further.
const failedPages = 400

// listPart is the part of the remaining time that one list may take.
const listPart = 8

// failedRuns are the executions that Step Functions lists as failed, as far back as a run has listed them. One call
// returns the redrive counts of 1,000 executions, DescribeExecution that of one.
type failedRuns struct {
	mu       sync.Mutex
	redrives map[string]int // by name
	lists    map[domain.ExecutionStatus]*failedList
}

// failedList is how far the executions of a status were listed, newest first.
type failedList struct {
	token   string
	pages   int
	reached time.Time // everything that started since is known
	whole   bool
}

func newFailedRuns() *failedRuns {
	return &failedRuns{redrives: map[string]int{}, lists: map[domain.ExecutionStatus]*failedList{
		domain.Failed: {}, domain.TimedOut: {},
	}}
}

// moveIfRedriven moves a failure whose execution was redriven meanwhile.
func (r *run) moveIfRedriven(ctx context.Context, f domain.Failure) (bool, error) {
	if listed, err := r.listedAsFailed(ctx, f); listed || err != nil {
		return false, err
	}
	d, err := r.Machine.Describe(ctx, f.Execution)
	if errors.Is(err, sfn.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case d.Status == domain.Succeeded:
		if err := r.recordEnd(ctx, d.Ended); err != nil {
			return false, err
		}
		return true, r.move(ctx, f, domain.Move{To: domain.Closed, Decision: "redriven with success", HealedBy: f.Execution})
	case !d.Status.Terminal():
		r.sum.Waiting++
		return true, r.move(ctx, f, domain.Move{
			To: domain.Waiting, Decision: "the execution was redriven and runs", DueAt: r.Now().Add(postponeFor),
		})
	case d.Status == domain.Aborted:
		if err := r.recordEnd(ctx, d.Ended); err != nil {
			return false, err
		}
		return true, r.move(ctx, f, domain.Move{To: domain.Closed, Decision: "redriven, and stopped by an operator"})
	case d.RedriveCount > f.RedriveCount: // the failure of that run goes on, and closes this one
		return true, r.recordEnd(ctx, d.Ended)
	}
	return false, nil
}

// listedAsFailed reports whether a list shows the failed run as the last of its execution. False means that the
// execution was redriven, or that the lists do not say.
func (r *run) listedAsFailed(ctx context.Context, f domain.Failure) (bool, error) {
	if r.behind { // a list may be what hangs
		return false, nil
	}
	r.failed.mu.Lock()
	defer r.failed.mu.Unlock()
	for _, status := range []domain.ExecutionStatus{domain.Failed, domain.TimedOut} {
		list := r.failed.lists[status]
		for {
			if n, found := r.failed.redrives[f.Execution]; found {
				return n == f.RedriveCount, nil
			}
			if list.whole || list.pages >= failedPages || f.StartedAt.IsZero() ||
				!list.reached.IsZero() && list.reached.Before(f.StartedAt.Time) {
				break
			}
			if err := r.listFailed(ctx, status, list); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func (r *run) listFailed(ctx context.Context, status domain.ExecutionStatus, list *failedList) error {
	if end, limited := ctx.Deadline(); limited { // decisions must go on if the list does not answer
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/listPart)
		defer cancel()
	}
	page, next, err := r.Machine.List(ctx, status, list.token)
	if err != nil { // this run asks for no more of them: each failure is described
		list.pages = failedPages
		if !errors.Is(err, sfn.ErrBusy) {
			r.Logger.WarnContext(ctx, "failed executions not listed", "status", status, "error", err)
		}
		return nil
	}
	for _, e := range page {
		r.failed.redrives[e.Name] = e.RedriveCount
		list.reached = e.StartedAt
	}
	list.pages++
	list.token, list.whole = next, next == ""
	return nil
}
