package failures

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// query says which failures are meant.
type query struct {
	status, error, state, cause, owner, since, until string
	resources, executions                            []string
	superseded                                       bool
	job                                              string
}

func (q *query) addFlags(f *factory.Factory, c *cobra.Command) {
	c.Flags().StringVar(&q.status, "status", "", "only with this `STATUS`: "+factory.Names(replay.FailureStatuses()))
	c.Flags().StringVar(&q.error, "error", "", "only this error: a name, or a `GLOB` such as 'Geocoder*'")
	c.Flags().StringVar(&q.state, "state", "", "only of this state of the workflow: a name, or a `GLOB`")
	c.Flags().StringVar(&q.cause, "cause", "", "only with this `TEXT` in the first 1,024 bytes of their cause")
	c.Flags().StringVar(&q.since, "since", "", "only failures at this `TIME` or later")
	c.Flags().StringVar(&q.until, "until", "", "only failures before this `TIME`")
	c.Flags().StringArrayVar(&q.resources, "resource", nil, "only of the resource with this `ID`; may be repeated")
	c.Flags().StringArrayVar(&q.executions, "execution", nil, "only of the execution with this `NAME`, such as one whose event has no resource; may be repeated")
	c.Flags().StringVar(&q.owner, "owner", "", "only of the owner with this `ID`")
	c.Flags().BoolVar(&q.superseded, "superseded", false, "only failures in quarantine of which a newer event of the resource has succeeded")
	factory.Complete(c, "status", factory.Texts(replay.FailureStatuses())...)
	factory.CompleteWith(c, "error", f.Complete().Errors)
	factory.CompleteWith(c, "resource", f.Complete().Resources)
}

// none says why a list may be empty. It does not say that all is well: what has just failed is not there yet.
func (q *query) none() string { return q.noneOf("failures") }

// noneOf says it of failures of some kind.
func (q *query) noneOf(what string) string {
	var given []string
	for _, flag := range []struct{ name, value string }{
		{"--status", q.status}, {"--error", q.error}, {"--state", q.state}, {"--cause", q.cause}, {"--since", q.since},
		{"--until", q.until}, {"--owner", q.owner},
	} {
		if flag.value != "" {
			given = append(given, flag.name+" "+factory.ShellWord(flag.value))
		}
	}
	if q.superseded {
		given = append(given, "--superseded")
	}
	for _, id := range q.resources {
		given = append(given, "--resource "+factory.ShellWord(id))
	}
	for _, name := range q.executions {
		given = append(given, "--execution "+factory.ShellWord(name))
	}
	if len(given) > 0 {
		return "no " + what + " match " + strings.Join(given, " ")
	}
	return "no " + what + "; an execution that has just failed is listed after the next run of auto-replay"
}

// narrowed reports whether failures are selected by more than what groups tell.
func (q *query) narrowed() bool {
	return q.cause+q.owner+q.since+q.until != "" || len(q.resources)+len(q.executions) > 0 || q.superseded
}

// find reads the failures that are meant, page by page as they are asked for: those with --status, or else with any of
// some statuses.
func (q *query) find(
	ctx context.Context, f *factory.Factory, api *client.Client, statuses ...replay.FailureStatus,
) (iter.Seq2[replay.Failure, error], error) {
	status, err := factory.OneOf("--status", q.status, replay.FailureStatuses())
	if err != nil {
		return nil, err
	}
	if q.superseded && status == "" {
		status = replay.FailureQuarantined
	}
	if status != "" {
		statuses = []replay.FailureStatus{status}
	}
	from, to, err := f.Times(q.since, q.until)
	if err != nil {
		return nil, err
	}
	resources := factory.Unique(q.resources)
	if len(resources) == 0 {
		resources = []string{""}
	}
	return func(yield func(replay.Failure, error) bool) {
		for _, status := range statuses {
			for _, resource := range resources {
				for one, err := range api.Failures.List(ctx, replay.FailureQuery{
					Status: status, Error: q.error, State: q.state, Cause: q.cause, ResourceID: resource, OwnerID: q.owner,
					Superseded: q.superseded, Since: from, Until: to,
				}) {
					if err == nil && len(q.executions) > 0 && !slices.Contains(q.executions, one.Execution) {
						continue
					}
					if !yield(one, err) || err != nil {
						return
					}
				}
			}
		}
	}, nil
}
