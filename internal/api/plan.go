package api

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// hashAgain is after how long without progress another message takes up the hash of a plan.
const hashAgain = 30 * time.Second

// planOf is the plan that a dry run has made: its counts and the first items of each kind. The first request for a plan
// has its hash computed.
func (a *API) planOf(ctx context.Context, row domain.Replay, r replay.Request) (*replay.Plan, error) {
	plan := &replay.Plan{
		Items: row.Planned, Skipped: row.Skipped, Failed: row.Failed, Warned: row.Warned, Sample: []replay.Item{},
		PlanHash: row.PlanHash, ExpiresAt: expiryOf(row),
		Estimate: estimateOf(r, row.Planned, a.Pace),
	}
	for _, kind := range []struct {
		outcome replay.Outcome
		count   int
	}{{replay.WouldRun, row.Planned}, {replay.Skipped, row.Skipped}, {replay.Failed, row.Failed}} {
		if kind.count == 0 {
			continue
		}
		rows, _, err := a.book.Items.List(ctx, row, kind.outcome, "", replay.PlanSample)
		if err != nil {
			return nil, err
		}
		for _, it := range rows {
			plan.Sample = append(plan.Sample, it.Shown())
		}
	}
	if row.PlanHash == "" {
		return plan, a.hash(ctx, row.ID)
	}
	return plan, nil
}

func expiryOf(row domain.Replay) time.Time { return row.CompletedAt.Add(replay.PlanLife).UTC() }

// hash has the hash of a plan computed, unless it is.
func (a *API) hash(ctx context.Context, id string) error {
	now := a.now()
	err := a.book.Plans.MarkHashing(ctx, id, domain.At(now), domain.At(now.Add(-hashAgain)))
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.queue.Send(ctx, protocol.ReplayMessage{Kind: protocol.KindHash, ReplayID: id}.Encode())
}

// resolve names the version of a correction. For a request that applies a plan, it returns the request of the plan. The
// plan is bound to the replay with this id before the replay is accepted: it runs once.
func (a *API) resolve(ctx context.Context, r replay.Request, id string) (replay.Request, error) {
	if r.Action == replay.Correct {
		return a.withVersion(ctx, r)
	}
	if r.Apply == nil {
		return r, nil
	}
	apply := *r.Apply
	row, err := a.book.Replays.Get(ctx, apply.PlanID)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && !row.DryRun {
		return r, &replay.InvalidError{Faults: []replay.Fault{{
			Field: "apply.planId", Value: apply.PlanID, Detail: "is not the replay id of a dry run",
		}}}
	}
	if err != nil {
		return r, err
	}
	if err := a.applicable(ctx, row, apply.PlanHash, id); err != nil {
		return r, err
	}
	bound, err := a.book.Plans.MarkApplied(ctx, row.ID, id)
	if errors.Is(err, ledger.ErrConflict) {
		return r, refused("plan %s was applied by replay %s: make another plan", row.ID, bound.AppliedBy)
	}
	if err != nil {
		return r, err
	}
	if r, err = a.stored(ctx, row.ID); err != nil {
		return r, err
	}
	r.DryRun, r.Apply = false, &apply
	return r, nil
}

// applicable says why a plan cannot be applied by a replay, if it cannot.
func (a *API) applicable(ctx context.Context, row domain.Replay, hash, id string) error {
	switch expires := expiryOf(row); {
	case row.Status != replay.Planned:
		return refused("plan %s is %s: a dry run is applied when it is PLANNED", row.ID, row.Status)
	case row.PlanHash == "":
		if err := a.hash(ctx, row.ID); err != nil {
			return err
		}
		return refused("the hash of plan %s is being computed: look at the plan, and apply it then", row.ID)
	case row.PlanHash != hash:
		return refused("plan %s has another planHash, %s: look at the plan, and apply it with its own", row.ID, row.PlanHash)
	case row.AppliedBy == id: // an earlier call died
		return nil
	case row.AppliedBy != "":
		return refused("plan %s was applied by replay %s: make another plan", row.ID, row.AppliedBy)
	case !a.now().Before(expires):
		return refused("plan %s has expired at %s: make another plan", row.ID, expires.Format(time.RFC3339))
	case row.Planned == 0:
		return refused("plan %s has nothing to run", row.ID)
	}
	return nil
}
