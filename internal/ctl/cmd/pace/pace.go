// Package pace is the command that makes a replay faster or slower.
package pace

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/replay"
)

type options struct {
	perSecond int
	none      bool
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "pace [REPLAY]",
		Short: "Make a replay faster or slower while it runs",
		Long: `Gives a replay another pace: the newest one that has not ended, or the one that is named. It takes effect within seconds. All
replays together keep to the ingestion's MaxReplayShare, whatever their pace.`,
		Example: `  replayctl pace --max-per-second 5
  replayctl pace 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --no-max-per-second`,
		Args:              factory.Arguments(0, "REPLAY"),
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c.Context(), f, args) },
		ValidArgsFunction: f.Complete().OpenReplays,
	}
	c.Flags().IntVar(&o.perSecond, "max-per-second", 0, "at most `N` starts per second, 1 to 1000")
	c.Flags().BoolVar(&o.none, "no-max-per-second", false, "no bound of its own")
	return c
}

func (o *options) run(ctx context.Context, f *factory.Factory, args []string) error {
	var change replay.ReplayChange
	switch {
	case o.none == (o.perSecond != 0):
		return exit.Usagef("give either --max-per-second N or --no-max-per-second")
	case !o.none && (o.perSecond < 1 || o.perSecond > replay.MaxPerSecond):
		return exit.Usagef("--max-per-second must be from 1 to %d, got %d", replay.MaxPerSecond, o.perSecond)
	case !o.none:
		change.MaxPerSecond = &o.perSecond
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	id, err := follow.NewestOpen(ctx, f, api, args)
	if err != nil {
		return err
	}
	s, err := api.Replays.Update(ctx, id, change)
	if err != nil {
		return follow.NoReplay(f, err, id)
	}
	return f.Printer.Value(s, func(w io.Writer) error { return follow.Describe(f, w, replay.Replay{Summary: s}) })
}
