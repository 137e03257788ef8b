package ctl

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status REPLAY",
		Short: "Say how a replay stands",
		Example: `  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D
  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D -o json | jq .counts`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client(c.Context())
			if err != nil {
				return err
			}
			r, err := api.Replay(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.out.Value(r, func(w io.Writer) error { return a.describe(w, r) })
		},
	}
	return c
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
		{Name: "items", Value: counted(r.Counts)},
	}
	if r.Truncated {
		fields = append(fields, output.Field{Name: "", Value: "--max-items was reached: the selection has more", Color: output.Yellow})
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

func counted(c replay.Counts) string {
	return fmt.Sprintf("%d matched, %d started, %d succeeded, %d failed, %d skipped", c.Matched, c.Started, c.Succeeded, c.Failed, c.Skipped)
}
