// Package executions has the commands that list what has ended, and follow it.
package executions

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay"
)

// selection is what both commands select by.
type selection struct {
	status, error, resource, owner, since, until string
}

func (s *selection) addFlags(f *factory.Factory, c *cobra.Command) {
	c.Flags().StringVar(&s.status, "status", "", "only those that ended with this `STATUS`: "+factory.Names(replay.EndStatuses()))
	c.Flags().StringVar(&s.error, "error", "", "only those with this `ERROR`, or a glob such as 'Lambda.*'")
	c.Flags().StringVar(&s.resource, "resource", "", "only those of this `RESOURCE`")
	c.Flags().StringVar(&s.owner, "owner", "", "only those of this `OWNER`")
	factory.Complete(c, "status", factory.Texts(replay.EndStatuses())...)
	factory.CompleteWith(c, "error", f.Complete().Errors)
	factory.CompleteWith(c, "resource", f.Complete().Resources)
	factory.CompleteWith(c, "owner", f.Complete().Owners)
}

func (s *selection) query(f *factory.Factory) (q replay.ExecutionQuery, err error) {
	q = replay.ExecutionQuery{Error: s.error, ResourceID: s.resource, OwnerID: s.owner}
	if q.Status, err = factory.OneOf("--status", s.status, replay.EndStatuses()); err != nil {
		return q, err
	}
	q.Since, q.Until, err = f.Times(s.since, s.until)
	return q, err
}

// New returns the command that lists.
func New(f *factory.Factory) *cobra.Command {
	var s selection
	var limit int
	c := &cobra.Command{
		Use:   "executions",
		Short: "List executions that have ended in the last three days, the last first",
		Long: `Lists executions that have ended in the last three days, what was reported last first. What happened to a resource before is in
` + "`replayctl history`" + `; what failed and has not healed, in ` + "`replayctl failures`" + `.`,
		Example: `  replayctl executions --status failed --since 1h
  replayctl executions --owner U-1 --limit 0 -o jsonl | jq -r .resourceId | sort -u`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error { return list(c.Context(), f, s, limit) },
	}
	s.addFlags(f, c)
	c.Flags().StringVar(&s.since, "since", "", "only those that were reported at this `TIME` or after")
	c.Flags().StringVar(&s.until, "until", "", "only those that were reported before this `TIME`")
	factory.AddLimit(c, &limit, 25, "", "executions")
	return c
}

func list(ctx context.Context, f *factory.Factory, s selection, limit int) error {
	q, err := s.query(f)
	if err != nil {
		return err
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	all := factory.Most(f, factory.PagesFor(api, limit).Executions.List(ctx, q), limit)
	return factory.Show(f, "executions", columns(f), all, "no executions have ended")
}

func columns(f *factory.Factory) []output.Column[replay.EndedExecution] {
	return []output.Column[replay.EndedExecution]{
		{Title: "ENDED", Cell: func(e replay.EndedExecution) string { return f.Printer.Time(ended(e)) }},
		{Title: "STATUS", Cell: func(e replay.EndedExecution) string { return string(e.Status) }, Color: color},
		{Title: "RESOURCE", Cell: func(e replay.EndedExecution) string { return e.ResourceID }},
		{Title: "KIND", Cell: func(e replay.EndedExecution) string { return e.Kind }},
		{Title: "EXECUTION", Cell: func(e replay.EndedExecution) string { return e.Name }},
		{Title: "ERROR", Flex: true, Cell: func(e replay.EndedExecution) string { return e.Error }},
	}
}

func color(e replay.EndedExecution) output.Color { return versions.Color(string(e.Status)) }

// errEndless is about a format that needs an end.
func errEndless() error {
	return exit.Usagef("tail has no end, and a JSON document needs one: use -o jsonl")
}
