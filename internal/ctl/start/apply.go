package start

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

const (
	hashPoll = 500 * time.Millisecond
	hashFor  = 10 * time.Minute // a million items take about two
)

// Hashed waits until a plan has its hash, which is computed when the plan is first read.
func Hashed(ctx context.Context, f *factory.Factory, api *client.Client, r replay.Replay) (replay.Replay, error) {
	for waited := time.Duration(0); r.Plan.PlanHash == ""; waited += hashPoll {
		if waited >= hashFor {
			return r, &exit.Error{Code: exit.Unreachable, Err: fmt.Errorf("plan %s got no hash within %s", r.ReplayID, hashFor),
				Do: []string{"look at it again: " + f.Hint("status "+r.ReplayID+" -o json")}}
		}
		if err := f.Sleep(ctx, hashPoll); err != nil {
			return r, exit.ErrInterrupted
		}
		again, err := api.Replays.Get(ctx, r.ReplayID)
		if err != nil && !client.Temporary(err) {
			return r, err
		}
		if err == nil {
			r = again
		}
	}
	return r, nil
}

// showPlans says what it takes to apply plans, and how that is done.
func showPlans(f *factory.Factory, plans []replay.Replay) error {
	for _, r := range plans {
		if r.Plan == nil || r.Plan.Items == 0 {
			continue
		}
		if _, err := fmt.Fprintln(f.Printer.Out); err != nil {
			return err
		}
		err := f.Printer.Fields(f.Printer.Out,
			output.Field{Name: "plan", Value: r.ReplayID},
			output.Field{Name: "hash", Value: r.Plan.PlanHash},
			output.Field{Name: "takes", Value: estimated(r.Plan.Estimate)},
			output.Field{Name: "expires", Value: f.Printer.Time(&r.Plan.ExpiresAt)},
		)
		if err != nil {
			return err
		}
		f.Say("apply it with: %s", f.Hint("apply "+r.ReplayID+" --hash "+r.Plan.PlanHash))
	}
	return nil
}

func estimated(e replay.Estimate) string {
	return fmt.Sprintf("%s at least, about %.2f USD, without %s", time.Duration(e.Seconds)*time.Second, e.USD, e.Without)
}

// Apply says which plan is applied, and how.
type Apply struct {
	PlanID, Hash, Key string
	Yes, Wait         bool
	follow.Options
}

// Run applies a plan. Who names its hash has looked at it; others are asked if it has more than a few items.
func (o Apply) Run(ctx context.Context, f *factory.Factory) error {
	if o.FailOnSkipped && !o.Wait {
		return exit.Usagef("--fail-on-skipped needs --wait")
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	r, err := api.Replays.Get(ctx, o.PlanID)
	if err != nil {
		return err
	}
	if r.Plan == nil {
		return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("%s is not a plan: it is %s", o.PlanID, r.Status),
			Do: []string{"`replayctl replay ... --plan` makes one"}}
	}
	if r, err = Hashed(ctx, f, api, r); err != nil {
		return err
	}
	switch {
	case o.Hash != "" && o.Hash != r.Plan.PlanHash:
		return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("--hash %s is not the hash of the plan, all of which is %s", factory.ShellWord(o.Hash), r.Plan.PlanHash),
			Do: []string{"look at it: " + f.Hint("items "+o.PlanID)}}
	case o.Hash == "":
		if err := o.confirm(ctx, f, r); err != nil {
			return err
		}
	}
	key := keyOf(o.Key)
	accepted, err := api.Replays.Apply(ctx, key, replay.Apply{PlanID: o.PlanID, PlanHash: r.Plan.PlanHash})
	if err != nil {
		e := f.Explain(err)
		if e.Code == exit.Unreachable {
			e.Do = append(e.Do, "it may have been accepted: the same command with --idempotency-key "+key+" returns the same replay")
		}
		return e
	}
	if o.Wait {
		f.Say("replay %s", accepted.ReplayID)
		return follow.Await(ctx, f, api, []string{accepted.ReplayID}, o.Options)
	}
	if err := showAccepted(f, []replay.Accepted{accepted}); err != nil {
		return err
	}
	f.Say("follow it with: %s", f.Hint("status "+accepted.ReplayID+" --wait"))
	return nil
}

func (o Apply) confirm(ctx context.Context, f *factory.Factory, r replay.Replay) error {
	f.Say("plan %s: %s would run, %d be skipped: %s", r.ReplayID, follow.Items(r.Plan.Items), r.Plan.Skipped, r.Reason)
	if o.Yes || r.Plan.Items <= askAbove {
		return nil
	}
	if !f.Process.Terminal.In || !f.Process.Terminal.Err {
		return &exit.Error{Code: exit.Usage, Err: fmt.Errorf("more than %d items need a yes, and standard input is not a terminal", askAbove),
			Do: []string{"--hash says that you mean this plan, --yes that you mean any"}}
	}
	answer, err := f.Ask(ctx, fmt.Sprintf("Start %s? [y/N]", follow.Items(r.Plan.Items)))
	if err != nil {
		return err
	}
	if yes := strings.ToLower(answer); yes != "y" && yes != "yes" {
		return &exit.Error{Code: exit.General, Err: fmt.Errorf("nothing was started")}
	}
	return nil
}
