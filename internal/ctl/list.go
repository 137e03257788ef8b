package ctl

import (
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

func (a *app) listCommand() *cobra.Command {
	var status string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List replays, newest first",
		Example: `  replayctl list
  replayctl list --status RUNNING
  replayctl list --limit 0 -o jsonl | jq -r 'select(.counts.failed > 0) | .replayId'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := oneOf("--status", status, replay.Statuses())
			if err != nil {
				return err
			}
			api, err := a.client(c.Context())
			if err != nil {
				return err
			}
			return show(a, "replays", a.replayColumns(), first(api.Replays(c.Context(), s), limit), "no replays")
		},
	}
	c.Flags().StringVar(&status, "status", "", "only replays with this `STATUS`: "+names(replay.Statuses()))
	c.Flags().IntVar(&limit, "limit", 25, "at most `N` replays; 0: all of them")
	complete(c, "status", texts(replay.Statuses())...)
	return c
}

func (a *app) replayColumns() []output.Column[replay.Summary] {
	count := func(of func(replay.Counts) int) func(replay.Summary) string {
		return func(s replay.Summary) string { return fmt.Sprint(of(s.Counts)) }
	}
	return []output.Column[replay.Summary]{
		{Title: "REPLAY", Cell: func(s replay.Summary) string { return s.ReplayID }},
		{Title: "STATUS", Cell: func(s replay.Summary) string { return string(s.Status) }, Color: func(s replay.Summary) output.Color {
			return statusColor(s)
		}},
		{Title: "CREATED", Cell: func(s replay.Summary) string { return a.out.Time(&s.CreatedAt) }},
		{Title: "ITEMS", Right: true, Cell: count(func(c replay.Counts) int { return c.Matched })},
		{Title: "SUCCEEDED", Right: true, Cell: count(func(c replay.Counts) int { return c.Succeeded })},
		{Title: "FAILED", Right: true, Cell: count(func(c replay.Counts) int { return c.Failed })},
		{Title: "SKIPPED", Right: true, Cell: count(func(c replay.Counts) int { return c.Skipped })},
		{Title: "REASON", Flex: true, Cell: func(s replay.Summary) string { return s.Reason }},
	}
}

// statusColor is green for what went well, red for what needs a look, yellow for what was stopped, none for what runs.
func statusColor(s replay.Summary) output.Color {
	switch {
	case s.Status == replay.Halted, s.Status.Final() && s.Counts.Failed > 0:
		return output.Red
	case s.Status == replay.Cancelled:
		return output.Yellow
	case s.Status.Final():
		return output.Green
	default:
		return output.Plain
	}
}

// show writes a list. For people who read a table, an empty one says so.
func show[T any](a *app, name string, columns []output.Column[T], entries iter.Seq2[T, error], none string) error {
	n, err := output.List(a.out, name, columns, entries)
	if err == nil && n == 0 && a.out.Format == output.Table {
		a.say("%s", none)
	}
	return err
}

// first ends a list after so many entries; 0: goes through it.
func first[T any](entries iter.Seq2[T, error], most int) iter.Seq2[T, error] {
	if most <= 0 {
		return entries
	}
	return func(yield func(T, error) bool) {
		n := 0
		for e, err := range entries {
			if n++; !yield(e, err) || n == most {
				return
			}
		}
	}
}

// oneOf reads a value that is one of several, whatever its case.
func oneOf[T ~string](flag, value string, known []T) (T, error) {
	for _, k := range known {
		if strings.EqualFold(string(k), value) {
			return k, nil
		}
	}
	if value == "" {
		return "", nil
	}
	return "", usage("%s must be one of %s, got %q", flag, names(known), value)
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func names[T ~string](values []T) string { return strings.Join(texts(values), ", ") }
