package ctl

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

func (a *app) statusCommand() *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use:   "status [REPLAY]",
		Short: "Say how a replay stands: the newest one, or the one that is named",
		Long: `Says how a replay stands. With --watch it waits until the replay has ended, and ends with the exit code that tells how;
without, the exit code only tells whether the replay was found.`,
		Example: `  replayctl status
  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --watch
  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D -o json | jq .counts`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client(c.Context())
			if err != nil {
				return err
			}
			id, err := newest(c.Context(), api, args)
			if err != nil {
				return err
			}
			r, err := api.Replay(c.Context(), id)
			if err != nil {
				return err
			}
			if watch {
				return a.await(c.Context(), api, []string{id})
			}
			if err := a.out.Value(r, func(w io.Writer) error { return a.describe(w, r) }); err != nil {
				return err
			}
			if r.Plan != nil && a.out.Format == output.Table {
				return a.showPlan(a.out.Out, *r.Plan)
			}
			return nil
		},
		ValidArgsFunction: a.completeReplays,
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "wait until it has ended, with a progress bar")
	return c
}

// newest is the id that was named, or that of the newest replay.
func newest(ctx context.Context, api *client.Client, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	for s, err := range api.Replays(ctx, "") {
		return s.ReplayID, err
	}
	return "", &Error{Code: ExitRefused, Err: fmt.Errorf("there is no replay yet"), Do: []string{"`replayctl replay --help` says how to start one"}}
}

// describe says how a replay stands.
func (a *app) describe(w io.Writer, r replay.Replay) error {
	fields := []output.Field{
		{Name: "replay", Value: r.ReplayID},
		{Name: "status", Value: string(r.Status), Color: statusColor(r.Summary)},
		{Name: "action", Value: action(r)},
		{Name: "reason", Value: r.Reason},
		{Name: "asked by", Value: r.RequestedBy},
		{Name: "created", Value: a.out.Time(&r.CreatedAt)},
		{Name: "completed", Value: a.completed(r)},
		{Name: "items", Value: itemsOf(r)},
	}
	if r.Truncated {
		fields = append(fields, output.Field{Name: "truncated", Value: "the selection has more than --max-items", Color: output.Yellow})
	}
	if s := r.Stopped; s != nil {
		text := fmt.Sprintf("%s at %s: %s", s.Status, a.out.Time(&s.At), s.Reason)
		if s.By != "" {
			text += " (" + s.By + ")"
		}
		fields = append(fields, output.Field{Name: "stopped", Value: text, Color: output.Yellow})
	}
	return a.out.Fields(w, fields...)
}

func action(r replay.Replay) string {
	if r.DryRun {
		return string(r.Action) + ", dry run"
	}
	return string(r.Action)
}

func (a *app) completed(r replay.Replay) string {
	if r.CompletedAt == nil {
		return ""
	}
	return fmt.Sprintf("%s (took %s)", a.out.Time(r.CompletedAt), r.CompletedAt.Sub(r.CreatedAt).Round(100*time.Millisecond))
}

func itemsOf(r replay.Replay) string {
	c := r.Counts
	if r.DryRun {
		return fmt.Sprintf("%d matched, %d to be skipped", c.Matched, c.Skipped)
	}
	return fmt.Sprintf("%d matched, %d started, %d succeeded, %d failed, %d skipped", c.Matched, c.Started, c.Succeeded, c.Failed, c.Skipped)
}
