package autoreplay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
)

const (
	// remembered is how long Step Functions lists an execution that has ended ("Quotas related to state machine
	// executions", Step Functions Developer Guide).
	remembered = 90 * 24 * time.Hour
	// headPages is how many pages of ended executions of one status each run lists, the newest first: 5,000 executions.
	headPages = 5
	// tailPages is how many pages of older ones a run lists, from where the last run stopped.
	tailPages = 5
	// tokenLife is how long the token of a list is used. It expires after 24 hours.
	tokenLife = 23 * time.Hour
	// reportWait is how old an end must be before it is looked up, or SettleAfter if that is less: a status event costs
	// less.
	reportWait = time.Minute
)

// reconcileListed records ends that were never reported, also of executions without a row: those that failed before
// Record wrote one, and those that were redriven. It lists by status and start, the newest first. The list is
// eventually consistent, and an execution may fail long after it started. So each run lists again, and asks the ledger
// about each.
func (r *run) reconcileListed(ctx context.Context) error {
	var results []error
	statuses := []domain.ExecutionStatus{domain.Failed, domain.TimedOut, domain.Aborted}
	for i := range statuses { // each run begins with another status, because the look-ups may not suffice for all
		turn := int(r.Now().Unix()/max(int64(r.policy.Interval.Seconds()), 1)) + i
		results = append(results, r.listEnded(ctx, statuses[turn%len(statuses)]))
	}
	return errors.Join(results...)
}

func (r *run) listEnded(ctx context.Context, status domain.ExecutionStatus) error {
	next, err := r.listPages(ctx, status, "", headPages)
	if err != nil || next == "" {
		return err
	}
	// More than the head: continue where the last run stopped, or behind the head if there was none.
	mark, err := r.mark(ctx, "list-"+string(status))
	if err != nil {
		return err
	}
	if mark.Token == "" || r.Now().Sub(mark.TakenAt.Time) > tokenLife {
		mark.Token = next
	}
	token, err := r.listPages(ctx, status, mark.Token, tailPages)
	if err != nil {
		token = "" // a token may become invalid: begin behind the head again
	}
	return errors.Join(err, r.Book.Marks.Save(ctx, domain.Mark{Name: mark.Name, Token: token, TakenAt: domain.At(r.Now())}))
}

// listPages lists some pages and returns the token of the next one, empty if the list has ended or its executions get
// too old. A page that was not finished is listed again.
func (r *run) listPages(ctx context.Context, status domain.ExecutionStatus, token string, pages int) (next string, err error) {
	for range pages {
		if ctx.Err() != nil {
			return token, nil //nolint:nilerr // out of time: the next run goes on from here
		}
		page, more, err := r.Machine.List(ctx, status, token)
		if err != nil {
			return "", err
		}
		left, err := r.recordListed(ctx, page)
		if err != nil {
			return "", err
		}
		if left {
			return token, nil
		}
		if more == "" || len(page) == 0 || r.Now().Sub(page[len(page)-1].StartedAt) > remembered {
			return "", nil
		}
		token = more
	}
	return token, nil
}

// recordListed records the executions of a page that the ledger does not know. Left reports that some are not recorded
// yet.
func (r *run) recordListed(ctx context.Context, page []sfn.Listed) (left bool, err error) {
	var asked []domain.Ended
	for _, e := range page {
		if !r.known.has(e) && r.Now().Sub(e.StoppedAt) > min(reportWait, r.policy.SettleAfter) {
			asked = append(asked, domain.Ended{Name: e.Name, Status: e.Status, StoppedAt: e.StoppedAt, RedriveCount: e.RedriveCount})
		}
	}
	unknown, err := r.Book.Executions.Unaccounted(ctx, asked)
	if err != nil {
		return false, err
	}
	missing := map[string]bool{}
	for _, e := range unknown {
		missing[e.Name] = true
		if left || ctx.Err() != nil || !r.mayLookUp(forListed) {
			left = true
			continue
		}
		err := r.recordEnd(ctx, e)
		if errors.Is(err, sfn.ErrBusy) {
			left = true
			continue
		}
		if err != nil {
			r.sum.Errors++
			r.Logger.Log(ctx, errs.Level(err), "unreported end not recorded", "execution", e.Name, "error", err)
			continue
		}
		delete(missing, e.Name)
		r.sum.Settled++
	}
	for _, e := range asked {
		if !missing[e.Name] {
			r.known.add(e)
		}
	}
	if len(missing) > 0 {
		r.Logger.WarnContext(ctx, "unreported ends left for the next run", "executions", len(missing))
	}
	return left, nil
}

// known remembers executions that the ledger accounts for, so that a warm function asks about each once. It lives as
// long as the function's instance. Forgetting is harmless.
type known struct {
	mu       sync.Mutex // a part that was left behind may still be at work
	redrives map[string]int
}

const maxKnown = 200_000 // names of at most 80 bytes

func (k *known) has(e sfn.Listed) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	n, ok := k.redrives[e.Name]
	return ok && n >= e.RedriveCount
}

func (k *known) add(e domain.Ended) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.redrives == nil || len(k.redrives) >= maxKnown {
		k.redrives = map[string]int{}
	}
	k.redrives[e.Name] = e.RedriveCount
}
