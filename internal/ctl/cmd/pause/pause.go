// Package pause has the commands that pause and resume replays, and automatic replays.
package pause

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

type options struct {
	resume, all, autoReplay, status bool
	reason                          string
}

// New returns the command that pauses.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "pause [REPLAY]",
		Short: "Pause a replay, all replays, or automatic replays",
		Long: `Pauses a replay: the newest one that has not ended, or the one that is named. Executions that run go on to their end, and
nothing more starts until replayctl resume. A series of versions stops between two of them. A pause may take any time.

With --all, it pauses all replays, also those that come later, but for dry runs. With --auto-replay, it pauses automatic
replays: failures are taken in all the same, and do not get too old. Both may be given.

With --status, it says what is paused, and changes nothing.`,
		Example: `  replayctl pause --reason "the database is at its limit"
  replayctl pause 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --reason "a look at the first items"
  replayctl pause --all --auto-replay --reason "an outage of the address service"
  replayctl pause --status`,
		Args:              factory.Arguments(0, "REPLAY"),
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c.Context(), f, args) },
		ValidArgsFunction: f.Complete().OpenReplays,
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&o.reason, "reason", "", "why: `TEXT` of one line, which whoever resumes reads")
	o.addFlags(c, "pause")
	c.Flags().BoolVar(&o.status, "status", false, "say what is paused")
	return c
}

// NewResume returns the command that resumes.
func NewResume(f *factory.Factory) *cobra.Command {
	o := options{resume: true}
	c := &cobra.Command{
		Use:   "resume [REPLAY]",
		Short: "Resume a replay, all replays, or automatic replays",
		Long: `Resumes a replay that replayctl pause has paused: the newest one that is paused, or the one that is named. It goes on with
what had not started. While all replays are paused, it waits for those.

With --all, it resumes all replays but those that were paused alone. With --auto-replay, it resumes automatic replays.`,
		Example: `  replayctl resume
  replayctl resume 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D
  replayctl resume --all --auto-replay`,
		Args:              factory.Arguments(0, "REPLAY"),
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c.Context(), f, args) },
		ValidArgsFunction: f.Complete().PausedReplays,
	}
	c.Flags().SortFlags = false
	o.addFlags(c, "resume")
	return c
}

func (o *options) addFlags(c *cobra.Command, verb string) {
	c.Flags().BoolVar(&o.all, "all", false, verb+" all replays")
	c.Flags().BoolVar(&o.autoReplay, "auto-replay", false, verb+" automatic replays")
}

func (o *options) run(ctx context.Context, f *factory.Factory, args []string) error {
	together := o.all || o.autoReplay
	switch {
	case together && len(args) > 0:
		return exit.Usagef("--all and --auto-replay take no REPLAY: leave out %q", args[0])
	case o.status && (together || len(args) > 0 || o.reason != ""):
		return exit.Usagef("--status goes alone")
	case !o.resume && !o.status && o.reason == "":
		return exit.Usagef("--reason is required: say why, whoever is to resume reads it")
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	if o.status {
		c, err := api.Controls.Get(ctx)
		return show(f, c, err)
	}
	if together {
		return o.controls(ctx, f, api)
	}
	return o.one(ctx, f, api, args)
}

func (o *options) controls(ctx context.Context, f *factory.Factory, api *client.Client) error {
	change := replay.ControlsChange{Reason: o.reason}
	pause := !o.resume
	if o.all {
		change.PauseReplays = &pause
	}
	if o.autoReplay {
		change.PauseAutoReplay = &pause
	}
	c, err := api.Controls.Update(ctx, change)
	return show(f, c, err)
}

func (o *options) one(ctx context.Context, f *factory.Factory, api *client.Client, args []string) error {
	newest := follow.NewestOpen
	if o.resume {
		newest = follow.NewestPaused
	}
	id, err := newest(ctx, f, api, args)
	if err != nil {
		return err
	}
	var s replay.Summary
	if o.resume {
		s, err = api.Replays.Resume(ctx, id)
	} else {
		s, err = api.Replays.Pause(ctx, id, replay.PauseRequest{Reason: o.reason})
	}
	if err != nil {
		return follow.NoReplay(f, err, id)
	}
	err = f.Printer.Value(s, func(w io.Writer) error { return follow.Describe(f, w, replay.Replay{Summary: s}) })
	if err == nil && f.Printer.Format == output.Table {
		next := "pause --status"
		if s.Status == replay.Paused && !o.resume {
			next = "resume " + s.ReplayID
			f.Say("executions that run end by themselves; the rest waits for %s", f.Hint(next))
		} else if s.Status == replay.Paused && strings.HasPrefix(s.Paused.Reason, replay.AllPaused) {
			f.Say("it waits, since all replays are paused: %s resumes them", f.Hint("resume --all"))
		} else if s.Status == replay.Paused {
			f.Say("it waits: %s says what is paused", f.Hint(next))
		}
	}
	return err
}

// show says what is paused.
func show(f *factory.Factory, c replay.Controls, err error) error {
	if err != nil {
		return err
	}
	return f.Printer.Value(c, func(w io.Writer) error {
		fields := []output.Field{controlField(f, "replays", c.Replays), controlField(f, "auto-replay", c.AutoReplay)}
		if p := c.PauseAlarm; p != nil {
			fields = append(fields, output.Field{Name: "pause alarm", Value: follow.PauseText(f, *p), Color: output.Yellow})
		}
		if y := c.Yielding; y != nil {
			text := fmt.Sprintf("%.0f %% of it: starts were throttled at %s, and live traffic goes first", 100*y.Share, f.Printer.Time(&y.At))
			fields = append(fields, output.Field{Name: "pace", Value: text, Color: output.Yellow})
		}
		return f.Printer.Fields(w, fields...)
	})
}

func controlField(f *factory.Factory, name string, c replay.Control) output.Field {
	if c.Paused != nil {
		return output.Field{Name: name, Value: follow.PauseText(f, *c.Paused), Color: output.Yellow}
	}
	text := "not paused"
	if r := c.Resumed; r != nil {
		text = fmt.Sprintf("not paused since %s (%s)", f.Printer.Time(&r.At), r.By)
	}
	return output.Field{Name: name, Value: text}
}
