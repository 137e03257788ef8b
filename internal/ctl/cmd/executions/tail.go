package executions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// How often what has ended is asked for: less often while nothing ends.
const (
	firstPoll = 2 * time.Second
	maxPoll   = 10 * time.Second
	// silence is for how long the API need not answer.
	silence = 5 * time.Minute
)

// remembered is how many ends are kept in mind, to leave out what is reported again.
const remembered = 10_000

// Tail returns the command that follows.
func Tail(f *factory.Factory) *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use:   "tail",
		Short: "Follow executions as they end",
		Long: `Shows executions as they end, one a line, until Ctrl-C: some seconds after their end, in the order in which the ingestion was told.
It begins a minute ago, or at --since. It asks every 2 seconds, and every 10 while nothing ends.`,
		Example: `  replayctl tail --status failed
  replayctl tail --owner U-1 --since 1h -o jsonl`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error { return tail(c.Context(), f, s) },
	}
	s.addFlags(f, c)
	c.Flags().StringVar(&s.since, "since", "1m", "begin at this `TIME`")
	return c
}

func tail(ctx context.Context, f *factory.Factory, s selection) error {
	if f.Printer.Format == output.JSON {
		return errEndless()
	}
	q, err := s.query(f)
	if err != nil {
		return err
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	var cursor string
	var quiet time.Time // since when the API has not answered
	var m memory
	poll := firstPoll
	for {
		page, err := api.Executions.Follow(ctx, q, cursor)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // Ctrl-C is how it ends
		case err == nil:
			quiet, cursor = time.Time{}, page.NextCursor
		case !client.Temporary(err):
			return err
		case quiet.IsZero():
			quiet = f.Process.Now()
			f.Say("no response, still trying: %s", output.Printable(err.Error()))
		case f.Process.Now().Sub(quiet) > silence:
			return err
		}
		for _, e := range page.Executions {
			if m.knows(e) {
				continue
			}
			if err := show(f, e); err != nil {
				return err
			}
		}
		if len(page.Executions) > 0 { // more may be there
			poll = firstPoll
			if ctx.Err() == nil {
				continue
			}
		}
		if f.Sleep(ctx, poll) != nil {
			return nil //nolint:nilerr // Ctrl-C is how it ends
		}
		poll = min(poll*3/2, maxPoll)
	}
}

// memory is of what was shown last.
type memory struct {
	seen  map[string]bool
	order []string
}

func (m *memory) knows(e replay.EndedExecution) bool {
	if m.seen == nil {
		m.seen = map[string]bool{}
	}
	id := fmt.Sprintf("%s#%d#%s", e.Name, e.RedriveCount, e.Status)
	if m.seen[id] {
		return true
	}
	if m.seen[id] = true; len(m.order) == remembered {
		delete(m.seen, m.order[0])
		m.order = m.order[1:]
	}
	m.order = append(m.order, id)
	return false
}

func show(f *factory.Factory, e replay.EndedExecution) error {
	if f.Printer.Format != output.Table {
		return f.Printer.Value(e, nil)
	}
	cells := []string{
		f.Printer.Time(ended(e)),
		f.Printer.Paint(color(e), fmt.Sprintf("%-10s", e.Status)),
	}
	for _, text := range []string{e.ResourceID, e.Name, e.Error} {
		if text != "" {
			cells = append(cells, output.Printable(text))
		}
	}
	if _, err := fmt.Fprintln(f.Printer.Out, strings.Join(cells, "  ")); err != nil {
		return &exit.Error{Code: exit.General, Err: fmt.Errorf("write: %w", err)}
	}
	return nil
}

// ended is when an execution ended, as far as that is known.
func ended(e replay.EndedExecution) *time.Time {
	if e.StoppedAt != nil {
		return e.StoppedAt
	}
	return &e.ReportedAt
}
