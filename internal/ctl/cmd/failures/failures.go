// Package failures has the commands that list what is in quarantine and run it again.
package failures

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// failureFilter says which failures are meant.
type failureFilter struct {
	error, since, until string
	resources           []string
	executions          []string
}

// local reports whether the filter asks for more than the API selects by.
func (o *failureFilter) local() bool { return len(o.resources)+len(o.executions) > 0 }

func (o *failureFilter) fits(one replay.Failure) bool {
	return (len(o.resources) == 0 || slices.Contains(o.resources, one.ResourceID)) &&
		(len(o.executions) == 0 || slices.Contains(o.executions, one.Execution))
}

func (o *failureFilter) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&o.error, "error", "", "only this error: a name, or a `GLOB` such as 'Geocoder*'")
	c.Flags().StringVar(&o.since, "since", "", "only failures at this `TIME` or later")
	c.Flags().StringVar(&o.until, "until", "", "only failures before this `TIME`")
	c.Flags().StringArrayVar(&o.resources, "resource", nil, "only of the resource with this `ID`; may be repeated")
	c.Flags().StringArrayVar(&o.executions, "execution", nil, "only of the execution with this `NAME`, such as one whose event has no resource; may be repeated")
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	filter := &failureFilter{}
	var detail bool
	var limit int
	c := &cobra.Command{
		Use:   "failures",
		Short: "List the failures in quarantine, by error",
		Long: `Lists the quarantine: failures that auto-replay does not retry, because their error is not retriable or their attempts are
used up. Failures that auto-replay will retry are not in it: replayctl history shows them.

Failures are counted by error. --detail describes each one, newest first, with its execution's ARN and a link to the AWS
console. When a replay of the version succeeds, its failures leave the quarantine.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl failures
  replayctl failures --since 2h --error 'Geocoder*'
  replayctl failures --detail --limit 0 -o jsonl | jq -r '[.resourceId, .cause] | @tsv'
  replayctl failures --detail --execution e55a4ab2-26a5-43d8-9a4f-3d02f5b5f0d1
  replayctl failures replay --error 'Geocoder*' --reason "the geocoder is back" --wait`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("limit") && !detail {
				return exit.Usagef("--limit goes with --detail: groups are counted over all failures")
			}
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			found, err := list(c.Context(), f, api, filter)
			if err != nil {
				return err
			}
			none := filter.none()
			if detail {
				found = factory.Most(f, found, limit)
				if f.Printer.Format == output.Table {
					return factory.Describe(f, found, none, func(w io.Writer, one replay.Failure) error {
						return f.Printer.Fields(w, failureFields(f, one)...)
					})
				}
				return factory.Show(f, "failures", nil, found, none)
			}
			groups, err := group(found)
			if err != nil {
				return err
			}
			if err := factory.Show(f, "errors", groupColumns(f), factory.Sequence(groups), none); err != nil {
				return err
			}
			if len(groups) > 0 && f.Printer.Format == output.Table && f.Process.Terminal.Err {
				f.Say("%s", f.PaintErr(output.Dim, "`"+f.Hint("failures --detail")+"` lists each one"))
			}
			return nil
		},
	}
	filter.addFlags(c)
	factory.CompleteWith(c, "error", f.Complete().Errors)
	factory.CompleteWith(c, "resource", f.Complete().Resources)
	c.Flags().BoolVar(&detail, "detail", false, "describe each failure: error, cause, and why auto-replay does not retry it")
	factory.AddLimit(c, &limit, 100, "with --detail: ", "failures")
	c.AddCommand(replayCommand(f))
	return c
}

// none says why a list may be empty. It does not say that all is well: what has just failed is not there yet.
func (o *failureFilter) none() string {
	var given []string
	for _, flag := range []struct{ name, value string }{{"--error", o.error}, {"--since", o.since}, {"--until", o.until}} {
		if flag.value != "" {
			given = append(given, flag.name+" "+factory.ShellWord(flag.value))
		}
	}
	for _, id := range o.resources {
		given = append(given, "--resource "+factory.ShellWord(id))
	}
	for _, name := range o.executions {
		given = append(given, "--execution "+factory.ShellWord(name))
	}
	if len(given) > 0 {
		return "no failures in quarantine match " + strings.Join(given, " ")
	}
	return "no failures in quarantine; an execution that has just failed is listed after the next run of auto-replay"
}

// list reads the failures that are meant, page by page as they are asked for.
func list(ctx context.Context, f *factory.Factory, api *client.Client, o *failureFilter) (iter.Seq2[replay.Failure, error], error) {
	from, to, err := f.Times(o.since, o.until)
	if err != nil {
		return nil, err
	}
	all := api.Failures(ctx, replay.FailureFilter{Error: o.error, Since: from, Until: to})
	if !o.local() {
		return all, nil
	}
	return func(yield func(replay.Failure, error) bool) {
		for one, err := range all {
			if err == nil && !o.fits(one) {
				continue
			}
			if !yield(one, err) {
				return
			}
		}
	}, nil
}

// failureGroup are the failures with one error. Its fields are part of the contract, as the API's are.
type failureGroup struct {
	Error       string         `json:"error"`
	Count       int            `json:"count"`
	FirstSeenAt time.Time      `json:"firstSeenAt"`
	LastSeenAt  time.Time      `json:"lastSeenAt"`
	Latest      replay.Failure `json:"latest"`
}

// group counts failures by error, the most frequent first. It keeps one failure of each, however many there are.
func group(found iter.Seq2[replay.Failure, error]) ([]*failureGroup, error) {
	byError := map[string]*failureGroup{}
	var groups []*failureGroup
	for f, err := range found {
		if err != nil {
			return nil, err
		}
		g := byError[f.Error]
		if g == nil {
			g = &failureGroup{Error: f.Error, FirstSeenAt: f.FailedAt, LastSeenAt: f.FailedAt, Latest: f}
			byError[f.Error] = g
			groups = append(groups, g)
		}
		g.Count++
		if f.FailedAt.Before(g.FirstSeenAt) {
			g.FirstSeenAt = f.FailedAt
		}
		if f.FailedAt.After(g.LastSeenAt) {
			g.LastSeenAt, g.Latest = f.FailedAt, f
		}
	}
	slices.SortFunc(groups, func(a, b *failureGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.LastSeenAt.Compare(a.LastSeenAt), cmp.Compare(a.Error, b.Error))
	})
	return groups, nil
}

func groupColumns(f *factory.Factory) []output.Column[*failureGroup] {
	return []output.Column[*failureGroup]{
		{Title: "ERROR", Cell: func(g *failureGroup) string { return g.Error }, Color: func(*failureGroup) output.Color { return output.Red }},
		{Title: "COUNT", Right: true, Cell: func(g *failureGroup) string { return fmt.Sprint(g.Count) }},
		{Title: "FIRST SEEN", Cell: func(g *failureGroup) string { return f.Printer.Time(&g.FirstSeenAt) }},
		{Title: "LAST SEEN", Cell: func(g *failureGroup) string { return f.Printer.Time(&g.LastSeenAt) }},
		{Title: "AGO", Right: true, Cell: func(g *failureGroup) string { return f.Age(g.LastSeenAt) }},
		{Title: "LATEST RESOURCE", Cell: func(g *failureGroup) string { return subject(g.Latest) }},
		{Title: "LATEST CAUSE", Flex: true, Cell: func(g *failureGroup) string { return factory.CauseText(g.Latest.Cause) }},
	}
}

// subject is what failed: a resource, or the execution of an event whose resource is not known.
func subject(one replay.Failure) string {
	if one.ResourceID != "" {
		return one.ResourceID
	}
	return "none (execution " + one.Execution + ")"
}

func failureFields(f *factory.Factory, one replay.Failure) []output.Field {
	state := one.State
	if state != "" {
		state = " in " + state
	}
	arn := f.ExecutionARN(one.Execution)
	return []output.Field{
		{Name: "error", Value: one.Error + state, Color: output.Red},
		{Name: "cause", Value: factory.CauseText(one.Cause)},
		{Name: "decision", Value: flagname.In(one.Decision)},
		{Name: "failed", Value: fmt.Sprintf("%s (%s ago)", f.Printer.Time(&one.FailedAt), f.Age(one.FailedAt))},
		{Name: "resource", Value: one.ResourceID},
		{Name: "version", Value: one.VersionID},
		{Name: "input", Value: f.EventLogObject(one.InputKey)},
		{Name: "attempts", Value: fmt.Sprint(one.Attempt)},
		{Name: "execution", Value: arn},
		{Name: "console", Value: f.ConsoleURL(arn)},
	}
}
