// Package start asks for the replays of a request: it confirms, plans, sends, and waits if that is wanted.
package start

import (
	"context"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Run does what the flags of a command say.
func Run(ctx context.Context, f *factory.Factory, o *request.Flags) error {
	if o.FailOnSkipped && !o.Wait && !o.DryRun && !o.Plan {
		return exit.Usagef("--fail-on-skipped needs --wait, --dry-run or --plan")
	}
	if o.Plan && o.DryRun {
		return exit.Usagef("--plan and --dry-run exclude each other: use one")
	}
	d, err := o.Document(f)
	if err != nil {
		return err
	}
	if err := askFor(ctx, f, &d.Reason, o.DryRun, interactive(f, o)); err != nil { // a plan has the reason for which it is applied
		return err
	}
	o.DryRun = o.DryRun || o.Plan
	d.DryRun = o.DryRun
	r, err := request.Freeze(d, f.Moment)
	if err != nil {
		return err
	}
	if err := canBeSplit(r, o.Wait); err != nil {
		return err
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	if err := nameVersions(ctx, f, api, &d, o.Versions); err != nil {
		return err
	}
	if r, err = request.Freeze(d, f.Moment); err != nil {
		return err
	}
	if o.DryRun {
		return dryRun(ctx, f, api, r, o)
	}
	if err := confirm(ctx, f, api, r, o); err != nil {
		return err
	}
	if o.Wait {
		return runAndWait(ctx, f, api, r, o.Key, o.Options)
	}
	warnOfUnknown(ctx, f, api, d, o.Versions)
	return start(ctx, f, api, r, o.Key)
}

// canBeSplit refuses bounds that several replays, side by side, would each keep to, and not together.
func canBeSplit(r request.Request, wait bool) error {
	n := len(r.Parts)
	if n == 1 || !r.Bounded() || wait || r.Typed.DryRun {
		return nil
	}
	return &exit.Error{Code: exit.Usage, Err: fmt.Errorf(
		"%d ids take %d replays, and each would apply --max-per-second, --max-items and --max-failures by itself", len(r.Typed.IDs), n),
		Do: []string{"with --wait they run one after the other, and the limits hold for all together"}}
}

// start asks for a replay, or for several, and says how to follow them.
func start(ctx context.Context, f *factory.Factory, api *client.Client, r request.Request, key string) error {
	all, err := send(ctx, f, api, &r, key)
	if len(all) == 0 {
		return err
	}
	if err := showAccepted(f, all); err != nil {
		return err
	}
	if err != nil {
		return partly(f, all, len(r.Parts), err)
	}
	for _, one := range all {
		f.Say("follow it with: %s", f.Hint("status "+one.ReplayID+" --wait"))
	}
	return nil
}

// partly tells that some replays of several were accepted before an error.
func partly(f *factory.Factory, all []replay.Accepted, parts int, err error) error {
	e := f.Explain(err)
	e.Do = append([]string{fmt.Sprintf("%d of %d replays were accepted before that", len(all), parts)}, e.Do...)
	return e
}
