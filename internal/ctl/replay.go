package ctl

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

func (a *app) replayCommand() *cobra.Command {
	o := &order{action: replay.Rerun}
	c := &cobra.Command{
		Use:   "replay [RESOURCE...]",
		Short: "Run the workflow again, on events of the past",
		Long: `Runs the workflow again on events that were recorded: of resources, of an owner, of what failed, or of everything. Which
version of each: the latest, unless flags say otherwise.

Several versions of a resource run one after the other, resources side by side. More than 100 items are started only after
you have said yes, or with --yes: a dry run finds out how many there are. More than 1,000 ids become several replays, with
one reason. If they are to keep to a bound (--max-per-second, --max-items, --max-failures) together, they run one after the
other: that takes --wait.

` + versionHelp + `

The id of the replay goes to standard output. Ctrl-C while waiting leaves the replay running.`,
		Example: `  replayctl replay L-1 L-2 --reason "the search index lost them"
  replayctl replay --failures --error 'Geocoder*' --since 2h --reason "the geocoder is back" --wait
  replayctl replay L-2 --merge-patch '{"listing":{"priceUsd":450000}}' --dry-run
  replayctl replay --owner A-1 --series --last 5 --max-per-second 20 --reason "rebuild the price history"
  replayctl replay L-1 --version latest-1 --allow-stale --reason "the last one was wrong"
  replayctl replay L-1 --as-of "2026-11-24 18:00" --allow-stale --reason "undo the import of this night"
  replayctl failures --detail --limit 0 -o jsonl | grep InvalidListing | replayctl replay -f - --reason "mended" --yes`,
		RunE: func(c *cobra.Command, args []string) error { o.ids = args; return a.replay(c.Context(), o) },
	}
	o.addFlags(c)
	return c
}

func (a *app) republishCommand() *cobra.Command {
	o := &order{action: replay.Republish}
	c := &cobra.Command{
		Use:   "republish [RESOURCE...]",
		Short: "Send stored outputs to the topic again, without running the workflow",
		Long: `Sends what the workflow made of an event to the topic again, as it was stored, without running the workflow: for a
service that is new, or has lost what it got. --target tells subscribers for whom it is meant.

Resources and versions are chosen as by replayctl replay.

` + versionHelp,
		Example: `  replayctl republish --owner A-1 --target price-map --reason "the price map is new"
  replayctl republish --all --max-items 100000 --max-per-second 100 --target search --reason "new index" --wait`,
		RunE: func(c *cobra.Command, args []string) error { o.ids = args; return a.replay(c.Context(), o) },
	}
	o.addFlags(c)
	return c
}

func (a *app) replay(ctx context.Context, o *order) error {
	if err := a.askReason(ctx, o); err != nil {
		return err
	}
	d, err := a.document(o)
	if err != nil {
		return err
	}
	r, err := freeze(d, a.moment)
	if err != nil {
		return err
	}
	if err := r.canBeSplit(o.wait); err != nil {
		return err
	}
	api, err := a.client(ctx)
	if err != nil {
		return err
	}
	if err := a.nameVersions(ctx, api, &d, o.versions); err != nil {
		return err
	}
	if r, err = freeze(d, a.moment); err != nil {
		return err
	}
	if o.dryRun {
		return a.dryRun(ctx, api, r, o.key)
	}
	if err := a.confirm(ctx, api, r, o); err != nil {
		return err
	}
	if o.wait {
		return a.runAndWait(ctx, api, r, o.key)
	}
	return a.start(ctx, api, r, o.key)
}

// canBeSplit refuses bounds that several replays, side by side, would each keep to, and not together.
func (r request) canBeSplit(wait bool) error {
	n := len(r.parts)
	if n == 1 || !r.bounded() || wait || r.typed.DryRun {
		return nil
	}
	return &Error{Code: ExitUsage, Err: fmt.Errorf(
		"%d ids take %d replays, and each would keep to --max-per-second, --max-items and --max-failures by itself", len(r.typed.ids), n),
		Do: []string{"with --wait they run one after the other and keep to the bounds together"}}
}

// start asks for a replay, or for several, and says how to follow them.
func (a *app) start(ctx context.Context, api *client.Client, r request, key string) error {
	all, err := a.send(ctx, api, &r, key)
	if len(all) == 0 {
		return err
	}
	if err := a.showAccepted(all); err != nil {
		return err
	}
	if err != nil {
		return a.partly(all, len(r.parts), err)
	}
	for _, one := range all {
		a.say("follow it with: %s", a.hint("status "+one.ReplayID+" --watch"))
	}
	return nil
}

// partly tells that some replays of several were accepted before an error.
func (a *app) partly(all []replay.Accepted, parts int, err error) error {
	e := a.explain(err)
	e.Do = append([]string{fmt.Sprintf("%d of %d replays were accepted before that", len(all), parts)}, e.Do...)
	return e
}
