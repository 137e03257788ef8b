package autoreplay

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// When more failures than the threshold share an error, something that they depend on is broken. Replaying all of them
// would not help, so they are held. One of them, the probe, is released. While probes fail, the next one waits with
// backoff. After one has succeeded, the others follow in growing steps, each after the one before has ended well.
const (
	growth  = 4      // from one step to the next
	maxStep = 10_000 // the pace of all replays lets a run send fewer
	// maxNamed is how many failures of a step are checked afterwards. They stand for the others, and the row with their
	// names stays far below DynamoDB's 400 KB.
	maxNamed = 500
	// stepPatience is how long a step may take. An execution that runs longer says nothing about the others.
	stepPatience = time.Hour
	// maxRounds is how often a run tries a step of a storm: failures that are closed or quarantined instead of sent
	// make room for others.
	maxRounds = 50
	// heldBatch is how many held failures are read at once, for several rounds.
	heldBatch  = 100
	stormBatch = 100
)

// checkStorm reports whether the failures of an error are held. It begins a storm if too many share the error.
func (r *run) checkStorm(ctx context.Context, name string) (bool, error) {
	if name == "" {
		return false, nil
	}
	if holds, known := r.storms[name]; known {
		return holds, nil
	}
	s, err := r.Book.Storms.Get(ctx, name)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return false, err
	}
	if !s.Holds {
		if s, err = r.beginStorm(ctx, name, s); err != nil {
			return false, err
		}
	}
	r.storms[name] = s.Holds
	return s.Holds, nil
}

func (r *run) beginStorm(ctx context.Context, name string, s domain.Storm) (domain.Storm, error) {
	n, err := r.Book.Failures.CountOpen(ctx, name, r.policy.CanaryThreshold+1)
	if err != nil || n <= r.policy.CanaryThreshold {
		return s, err
	}
	now := domain.At(r.Now())
	s, err = r.Book.Storms.Save(ctx, domain.Storm{
		Error: name, Holds: true, Step: 1, NextAt: now, BegunAt: now, Revision: s.Revision,
	})
	if err == nil {
		r.begun[name] = true
		r.Logger.WarnContext(ctx, "failures held: too many share an error", "storm", name, "threshold", r.policy.CanaryThreshold)
	}
	return s, err
}

func (r *run) hold(ctx context.Context, f domain.Failure) error {
	r.sum.Held++
	r.held[f.Storm] = true
	return r.move(ctx, f, domain.Move{
		To: domain.Waiting, Hold: true, DueAt: r.tooOldAt(f),
		Decision: fmt.Sprintf("held: more than %d failures share its error; waits for a probe to succeed", r.policy.CanaryThreshold),
	})
}

// tooOldAt is when a failure gets too old to be replayed, unless auto-replay is paused until then.
func (r *run) tooOldAt(f domain.Failure) time.Time {
	paused := r.Now().Sub(r.controls.WithoutPause(f.FirstAt.Time, r.Now()))
	return f.FirstAt.Add(r.policy.MaxAge + time.Second + paused)
}

// lookAtStorms advances every storm that is due. A storm that was advanced is due again at once, and is left to the
// next run.
func (r *run) lookAtStorms(ctx context.Context) error {
	now := r.Now()
	for cursor := ""; ; {
		storms, next, err := r.Book.Storms.Due(ctx, now, cursor, stormBatch)
		if err != nil {
			return err
		}
		for _, s := range storms {
			delete(r.begun, s.Error)
			r.lookAtStorm(ctx, s)
		}
		if next == "" || ctx.Err() != nil {
			break
		}
		cursor = next
	}
	for name := range r.begun {
		s, err := r.Book.Storms.Get(ctx, name)
		if err != nil {
			return err
		}
		r.lookAtStorm(ctx, s)
	}
	return nil
}

func (r *run) lookAtStorm(ctx context.Context, s domain.Storm) {
	if !s.Holds || s.NextAt.After(r.Now()) || ctx.Err() != nil { // the index lags behind
		return
	}
	if err := r.advance(ctx, s); err != nil {
		r.sum.Errors++
		r.Logger.Log(ctx, errs.Level(err), "storm not looked at", "error", err, "storm", s.Error)
	}
}

// advance judges the current step of a storm, and begins the next one once it is over.
func (r *run) advance(ctx context.Context, s domain.Storm) error {
	over, err := r.judgeStep(ctx, &s)
	if err != nil || !over {
		return err
	}
	if s.NextAt.After(r.Now()) { // a probe failed
		_, err = r.Book.Storms.Save(ctx, s)
		return err
	}
	return r.step(ctx, s)
}

// judgeStep checks the failures that were released last. The step is not over while one of them is being replayed.
func (r *run) judgeStep(ctx context.Context, s *domain.Storm) (over bool, err error) {
	rows, err := r.Book.Failures.Find(ctx, s.Released)
	if err != nil {
		return false, err
	}
	well, badly, running := 0, 0, 0
	for _, f := range rows {
		switch {
		case f.Held && !r.mayStart():
			running++
		case f.Held: // the run that chose the failure died before it sent it
			if r.release(ctx, f) {
				running++
			}
		case f.Status.Open():
			running++
		case f.Status == domain.FailedAgain:
			badly++
		case f.HealedBy != "":
			well++
		}
	}
	if running > 0 && r.Now().Sub(s.ReleasedAt.Time) < stepPatience {
		return false, nil
	}
	s.Released = nil
	switch {
	case badly > well: // a few poisonous events do not stop a step
		s.Misses++
		s.Step = 1
		s.NextAt = domain.At(r.Now().Add(r.policy.pauseBetweenProbes(s.Misses, r.Random())))
		r.Logger.WarnContext(ctx, "failures held on: what they share is still broken", "storm", s.Error, "failed", badly,
			"succeeded", well, "probes", s.Probes, "nextAt", s.NextAt.Time)
	case well > 0:
		s.Misses = 0
		s.Step = min(s.Step*growth, maxStep)
	} // failures that were closed for other reasons say nothing
	return true, nil
}

// step releases as many failures as the step has.
func (r *run) step(ctx context.Context, s domain.Storm) error {
	tried := map[string]bool{}
	skip := func(f domain.Failure) bool { return tried[f.Execution] }
	var held []domain.Failure
	some := false
	for range maxRounds {
		if !r.mayStart() {
			r.sum.Waiting++
			return nil // failures that get too old come due without a step
		}
		size := min(s.Step, r.maySend())
		var err error
		if len(held) < size {
			if held, some, err = r.Book.Failures.Held(ctx, s.Error, skip, max(size, heldBatch)); err != nil {
				return err
			}
		}
		if len(held) == 0 {
			return r.empty(ctx, s, some || len(tried) > 0)
		}
		size = min(size, len(held))
		for _, f := range held[:size] {
			tried[f.Execution] = true
		}
		var sent int
		if s, sent, err = r.releaseAll(ctx, s, held[:size]); err != nil || sent > 0 {
			return err
		}
		held = held[size:]
	}
	return nil
}

// releaseAll saves which failures a step releases, then releases them. If the run dies in between, the step is neither
// lost nor repeated. It returns how many failures were sent.
func (r *run) releaseAll(ctx context.Context, s domain.Storm, step []domain.Failure) (_ domain.Storm, sent int, err error) {
	s.Released, s.EmptyAt = nil, domain.Stamp{}
	for _, f := range step[:min(len(step), maxNamed)] {
		s.Released = append(s.Released, domain.FailureID(f.Execution, f.RedriveCount))
	}
	s.NextAt, s.ReleasedAt = domain.At(r.Now()), domain.At(r.Now())
	if s.Step == 1 {
		s.Probes++
	}
	if s, err = r.Book.Storms.Save(ctx, s); err != nil {
		return s, 0, err
	}
	var released atomic.Int64
	r.each(step, func(r *run, f domain.Failure) {
		if r.release(ctx, f) {
			released.Add(1)
		}
	})
	if sent = int(released.Load()); sent > 0 {
		if s.Step == 1 {
			r.sum.Probes++
		}
		r.Logger.InfoContext(ctx, "held failures released", "storm", s.Error, "sent", sent, "step", s.Step, "probes", s.Probes)
	}
	return s, sent, nil
}

// release decides on a held failure, and reports whether it was sent. If that fails, the failure stays held and does
// not delay the others.
func (r *run) release(ctx context.Context, f domain.Failure) (sent bool) {
	sent, err := r.closeOrSend(ctx, f, r.quarantineReason(f))
	switch {
	case errors.Is(err, sfn.ErrBusy): // it stays held
		r.sum.Waiting++
	case err != nil:
		r.sum.Errors++
		r.Logger.Log(ctx, errs.Level(err), "held failure not decided on", "execution", f.Execution, "error", err)
	}
	return sent && err == nil
}

// emptyFor is how long a storm must have held nothing before it ends. The index of held failures lags behind, and
// nothing would release those that it does not show.
const emptyFor = time.Minute

// empty ends a storm once nothing has been held for a while.
func (r *run) empty(ctx context.Context, s domain.Storm, some bool) error {
	now := domain.At(r.Now())
	switch {
	case some || r.held[s.Error]:
		s.EmptyAt = domain.Stamp{}
	case s.EmptyAt.IsZero():
		s.EmptyAt = now
	case now.Sub(s.EmptyAt.Time) >= emptyFor:
		return r.endStorm(ctx, s)
	default:
		return nil
	}
	s.Released, s.NextAt = nil, now
	_, err := r.Book.Storms.Save(ctx, s)
	return err
}

// endStorm ends a storm: nothing is held any more.
func (r *run) endStorm(ctx context.Context, s domain.Storm) error {
	s.Holds, s.Released, s.EmptyAt = false, nil, domain.Stamp{}
	if _, err := r.Book.Storms.Save(ctx, s); err != nil {
		return err
	}
	r.storms[s.Error] = false
	r.Logger.InfoContext(ctx, "storm over: no failure is held any more", "storm", s.Error, "probes", s.Probes)
	return nil
}
