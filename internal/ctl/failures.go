package ctl

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// failureFilter says which failures are meant.
type failureFilter struct {
	error, since, until string
	resources           []string
}

func (f *failureFilter) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&f.error, "error", "", "only this error, a name or a `GLOB` such as 'Geocoder*'")
	c.Flags().StringVar(&f.since, "since", "", "only what failed at this `TIME` or after")
	c.Flags().StringVar(&f.until, "until", "", "only what failed before this `TIME`")
	c.Flags().StringArrayVar(&f.resources, "resource", nil, "only of the resource with this `ID`; may be repeated")
}

func (a *app) failuresCommand() *cobra.Command {
	f := &failureFilter{}
	var detail bool
	var limit int
	c := &cobra.Command{
		Use:   "failures",
		Short: "List what failed and needs a person, by error",
		Long: `Lists the quarantine: what failed and is not replayed automatically, because its error is not one that passes by itself, or
because its attempts are used up. What auto-replay still has in hand is not there; replayctl history shows that.

Failures are counted by their error. --detail lists each one, newest first, as the API hands them out. When a replay of the
same version succeeds, its failures leave the quarantine.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl failures
  replayctl failures --since 2h --error 'Geocoder*'
  replayctl failures --detail --limit 0 -o jsonl | jq -r '[.resourceId, .cause] | @tsv'
  replayctl failures replay --error 'Geocoder*' --reason "the geocoder is back" --wait`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("limit") && !detail {
				return usage("--limit goes with --detail: groups are counted over all failures")
			}
			api, err := a.client(c.Context())
			if err != nil {
				return err
			}
			found, err := a.failures(c.Context(), api, f)
			if err != nil {
				return err
			}
			const none = "no failures: nothing needs a person"
			if detail {
				return show(a, "failures", a.failureColumns(), most(a, found, limit), none)
			}
			groups, err := group(found)
			if err != nil {
				return err
			}
			if err := show(a, "errors", a.groupColumns(), sequence(groups), none); err != nil {
				return err
			}
			if len(groups) > 0 && a.out.Format == output.Table && a.p.Terminal.Err {
				a.say("%s", a.paintErr(output.Dim, "`"+a.hint("failures --detail")+"` lists each one"))
			}
			return nil
		},
	}
	f.addFlags(c)
	c.Flags().BoolVar(&detail, "detail", false, "list each failure, with what it failed with and why it is not replayed automatically")
	c.Flags().IntVar(&limit, "limit", 100, "with --detail: at most `N` failures; 0: all of them")
	c.AddCommand(a.failuresReplayCommand())
	return c
}

// failures reads the failures that are meant, page by page as they are asked for.
func (a *app) failures(ctx context.Context, api *client.Client, f *failureFilter) (iter.Seq2[replay.Failure, error], error) {
	from, to, err := a.times(f.since, f.until)
	if err != nil {
		return nil, err
	}
	all := api.Failures(ctx, replay.FailureFilter{Error: f.error, Since: from, Until: to})
	if len(f.resources) == 0 {
		return all, nil
	}
	return func(yield func(replay.Failure, error) bool) {
		for one, err := range all {
			if err == nil && !slices.Contains(f.resources, one.ResourceID) {
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

func (a *app) groupColumns() []output.Column[*failureGroup] {
	return []output.Column[*failureGroup]{
		{Title: "ERROR", Cell: func(g *failureGroup) string { return g.Error }, Color: func(*failureGroup) output.Color { return output.Red }},
		{Title: "COUNT", Right: true, Cell: func(g *failureGroup) string { return fmt.Sprint(g.Count) }},
		{Title: "FIRST SEEN", Cell: func(g *failureGroup) string { return a.out.Time(&g.FirstSeenAt) }},
		{Title: "LAST SEEN", Cell: func(g *failureGroup) string { return a.out.Time(&g.LastSeenAt) }},
		{Title: "AGO", Right: true, Cell: func(g *failureGroup) string { return a.age(g.LastSeenAt) }},
		{Title: "LATEST RESOURCE", Cell: func(g *failureGroup) string { return g.Latest.ResourceID }},
		{Title: "LATEST CAUSE", Flex: true, Cell: func(g *failureGroup) string { return causeText(g.Latest.Cause) }},
	}
}

func (a *app) failureColumns() []output.Column[replay.Failure] {
	return []output.Column[replay.Failure]{
		{Title: "FAILED", Cell: func(f replay.Failure) string { return a.out.Time(&f.FailedAt) }},
		{Title: "RESOURCE", Cell: func(f replay.Failure) string { return f.ResourceID }},
		{Title: "VERSION", Cell: func(f replay.Failure) string { return orKey(f) }},
		{Title: "EXECUTION", Cell: func(f replay.Failure) string { return f.Execution }},
		{Title: "ATTEMPTS", Right: true, Cell: func(f replay.Failure) string { return fmt.Sprint(f.Attempt) }},
		{Title: "STATE", Cell: func(f replay.Failure) string { return f.State }},
		{Title: "ERROR", Cell: func(f replay.Failure) string { return f.Error }, Color: func(replay.Failure) output.Color { return output.Red }},
		{Title: "CAUSE", Flex: true, Cell: func(f replay.Failure) string { return causeText(f.Cause) }},
		{Title: "DECISION", Flex: true, Cell: func(f replay.Failure) string { return f.Decision }},
	}
}

// orKey is the version that failed, or where the event is kept that never became one.
func orKey(f replay.Failure) string {
	if f.VersionID == "" {
		return f.InputKey
	}
	return f.VersionID
}

// causeText is what a person reads of a cause. Lambda's is a JSON object with the message in it, and a stack trace; it may
// be cut off, and then it is shown as it is.
func causeText(cause string) string {
	var fault struct{ ErrorMessage string }
	if json.Unmarshal([]byte(cause), &fault) == nil && fault.ErrorMessage != "" {
		return fault.ErrorMessage
	}
	return cause
}
