package follow

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Options say how the command ends with a replay.
type Options struct{ FailOnSkipped bool }

// AddFlags adds the flags of options. when says with which other flags they go.
func (o *Options) AddFlags(c *cobra.Command, when string) {
	c.Flags().BoolVar(&o.FailOnSkipped, "fail-on-skipped", false, when+"exit with 7 if an item was skipped, or nothing matched")
}

// Skipped warns of replays that have done nothing, and chooses the exit code.
func (o Options) Skipped(f *factory.Factory, all []replay.Replay) exit.Code {
	var sum replay.Counts
	dry := false
	for _, r := range all {
		sum.Matched += r.Counts.Matched
		sum.Skipped += r.Counts.Skipped
		dry = dry || r.DryRun
	}
	would := "nothing was started"
	if dry {
		would = "nothing would be started"
	}
	switch {
	case sum.Matched == 0:
		f.Say("%s", f.PaintErr(output.Yellow, "warning: the selection matched nothing, so "+would))
	case sum.Matched == 1 && sum.Skipped == 1:
		f.Say("%s", f.PaintErr(output.Yellow, "warning: the only item was skipped, so "+would))
	case sum.Skipped == sum.Matched:
		f.Say("%s", f.PaintErr(output.Yellow, fmt.Sprintf("warning: all %d items were skipped, so %s", sum.Matched, would)))
	}
	if o.FailOnSkipped && (sum.Matched == 0 || sum.Skipped > 0) {
		return exit.Skipped
	}
	return exit.OK
}

// Newest is the id that was named, or that of the newest replay. A dry run has to be named: it starts nothing, and
// replayctl makes some of its own to count items.
func Newest(ctx context.Context, f *factory.Factory, api *client.Client, args []string) (string, error) {
	return newest(ctx, f, api, args, func(replay.Summary) bool { return true })
}

// NewestOpen is the id that was named, or that of the newest replay that has not ended.
func NewestOpen(ctx context.Context, f *factory.Factory, api *client.Client, args []string) (string, error) {
	return newest(ctx, f, api, args, func(s replay.Summary) bool { return !s.Status.Final() })
}

// NewestPaused is the id that was named, or that of the newest replay that is paused.
func NewestPaused(ctx context.Context, f *factory.Factory, api *client.Client, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	for s, err := range api.Replays.List(ctx, replay.Paused) {
		return s.ReplayID, err
	}
	return "", &exit.Error{Code: exit.Refused, Err: errors.New("no replay is paused"), Do: []string{"`" + f.Hint("list") + "` lists replays"}}
}

func newest(
	ctx context.Context, f *factory.Factory, api *client.Client, args []string, fits func(replay.Summary) bool,
) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	none, hint := "there are no replays", "`replayctl replay --help` says how to start one"
	for s, err := range api.Replays.List(ctx, "") {
		switch {
		case err != nil:
			return "", err
		case s.DryRun && none == "there are no replays":
			hint = "there are dry runs: `" + f.Hint("list --dry-runs") + "` lists them"
		case s.DryRun:
		case fits(s):
			return s.ReplayID, nil
		default:
			none, hint = "every replay has ended", "`"+f.Hint("list")+"` lists them"
		}
	}
	return "", &exit.Error{Code: exit.Refused, Err: errors.New(none), Do: []string{hint}}
}

// NoReplay says how to find a replay, if the API does not know the one that was named.
func NoReplay(f *factory.Factory, err error, id string) error {
	if !client.NotFound(err) {
		return err
	}
	return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("there is no replay %q", replay.Shorten(id)), Do: []string{
		"`" + f.Hint("list --dry-runs") + "` lists replays and dry runs with their ids",
	}}
}
