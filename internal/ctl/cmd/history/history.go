// Package history is the command that lists the versions of a resource.
package history

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// pastVersion is a line of a history: what the API knows, and what it comes to.
type pastVersion struct {
	ResourceID string `json:"resourceId"`
	Outcome    string `json:"outcome"`
	replay.Version
}

// outcome is the version's outcome. A failed version may be dealt with, as by a correction: then its failure's status
// is behind it.
func (v pastVersion) outcome() string {
	if v.Version.Outcome() == replay.VersionFailed && len(v.Failures) > 0 {
		if status := v.Failures[len(v.Failures)-1].Status; status != v.Outcome {
			return v.Outcome + " (" + status + ")"
		}
	}
	return v.Outcome
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var since, until string
	var limit int
	var detail bool
	c := &cobra.Command{
		Use:   "history RESOURCE",
		Short: "List the versions of a resource and their outcomes, newest first",
		Long: `Lists the recorded events of a resource, newest first, each with its outcome.

The outcome is SUCCEEDED once any execution of the version has succeeded, RUNNING while one runs, WAITING or RETRYING
while auto-replay handles it, and QUARANTINED while it needs a person. Otherwise it is that of the last execution: FAILED,
TIMED_OUT, ABORTED, SUPERSEDED. A status behind it, as in FAILED (HEALED), is that of the failure. DELETED is a delete marker,
UNKNOWN a version without an execution in the ledger.

Executions are listed oldest first. A producer started live ones, auto-replay auto ones, and a replay api ones; (patched)
marks those of which the replay changed the event. A correction is the execution of replayctl correct that recorded the
version: --detail shows which version it corrects, by whom and why.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl history L-1
  replayctl history L-1 --since 2d --detail
  replayctl history L-1 --limit 0 -o jsonl | jq -r 'select(.outcome == "FAILED") | .versionId'`,
		Args:              factory.Arguments(1, "RESOURCE"),
		ValidArgsFunction: f.Complete().Resource,
		RunE: func(c *cobra.Command, args []string) error {
			from, to, err := f.Times(since, until)
			if err != nil {
				return err
			}
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			if from == nil && to == nil {
				api = factory.PagesFor(api, limit)
			}
			entries := factory.Most(f, history(c.Context(), api, args[0], from, to), limit)
			const none = "no versions in that time"
			if detail && f.Printer.Format == output.Table {
				return versions.NoResource(factory.Describe(f, entries, none, func(w io.Writer, v pastVersion) error {
					return f.Printer.Fields(w, versionFields(f, v)...)
				}), args[0])
			}
			return versions.NoResource(factory.Show(f, "versions", historyColumns(f), entries, none), args[0])
		},
	}
	c.Flags().StringVar(&since, "since", "", "only versions recorded at this `TIME` or later")
	c.Flags().StringVar(&until, "until", "", "only versions recorded before this `TIME`")
	factory.AddLimit(c, &limit, 25, "", "versions")
	c.Flags().BoolVar(&detail, "detail", false, "describe each version: its executions with their ARNs and links to the AWS console, and why they failed")
	return c
}

// outOfOrder is how much later than one before it in the list a version may be recorded: the list is in the order in
// which S3 took them, and Record is tried again for a while.
const outOfOrder = time.Hour

// history yields the versions of a range of times. It stops reading behind its beginning.
func history(ctx context.Context, api *client.Client, resource string, from, to *time.Time) iter.Seq2[pastVersion, error] {
	return func(yield func(pastVersion, error) bool) {
		for v, err := range api.Versions.List(ctx, resource) {
			if err != nil {
				yield(pastVersion{}, err)
				return
			}
			if from != nil && v.RecordedAt.Before(from.Add(-outOfOrder)) {
				return
			}
			if from != nil && v.RecordedAt.Before(*from) || to != nil && !v.RecordedAt.Before(*to) {
				continue
			}
			if !yield(pastVersion{resource, v.Status(), v}, nil) {
				return
			}
		}
	}
}

func historyColumns(f *factory.Factory) []output.Column[pastVersion] {
	return []output.Column[pastVersion]{
		{Title: "VERSION", Cell: func(v pastVersion) string { return v.VersionID }},
		{Title: "RECORDED", Cell: func(v pastVersion) string { return f.Printer.Time(&v.RecordedAt) }},
		{Title: "AGE", Right: true, Cell: func(v pastVersion) string { return f.Age(v.RecordedAt) }},
		{Title: "SIZE", Right: true, Cell: func(v pastVersion) string { return size(v) }},
		{Title: "OWNER", Cell: func(v pastVersion) string { return v.OwnerID }},
		{Title: "OUTCOME", Cell: func(v pastVersion) string { return v.outcome() }, Color: func(v pastVersion) output.Color { return versions.Color(v.Outcome) }},
		{Title: "EXECUTIONS", Flex: true, Cell: func(v pastVersion) string { return versions.Runs(v.Version) }},
		{Title: "LAST ERROR", Flex: true, Cell: func(v pastVersion) string { return versions.LastError(v.Version) }},
	}
}

func size(v pastVersion) string {
	if v.Deleted {
		return ""
	}
	return output.Size(v.Size)
}

func versionFields(f *factory.Factory, v pastVersion) []output.Field {
	fields := []output.Field{
		{Name: "version", Value: v.VersionID},
		{Name: "outcome", Value: v.outcome(), Color: versions.Color(v.Outcome)},
		{Name: "recorded", Value: fmt.Sprintf("%s (%s ago)", f.Printer.Time(&v.RecordedAt), f.Age(v.RecordedAt))},
		{Name: "size", Value: size(v)},
		{Name: "owner", Value: v.OwnerID},
	}
	if c := v.Correction; c != nil {
		fields = append(fields,
			output.Field{Name: "corrects", Value: fmt.Sprintf("%s, by %s, replay %s", c.Of, c.By, c.ReplayID)},
			output.Field{Name: "  reason", Value: c.Reason})
	}
	for _, e := range v.Executions {
		text := fmt.Sprintf("%s, %s, %s, started %s", e.Name, versions.Kind(e), e.Status, f.Printer.Time(&e.StartedAt))
		if e.StoppedAt != nil {
			text += ", took " + e.StoppedAt.Sub(e.StartedAt).Round(100*time.Millisecond).String()
		}
		if e.ReplayID != "" {
			text += ", replay " + e.ReplayID
		}
		if e.Patched {
			text += ", with a patch"
		}
		if e.Error != "" {
			text += ", " + e.Error
		}
		arn := f.ExecutionARN(e.Name)
		fields = append(fields,
			output.Field{Name: "execution", Value: text, Color: versions.Color(e.Status)},
			output.Field{Name: "  arn", Value: strings.TrimPrefix(arn, e.Name)},
			output.Field{Name: "  console", Value: f.ConsoleURL(arn)})
	}
	for _, failure := range v.Failures {
		text := fmt.Sprintf("%s: %s", failure.Status, failure.Error)
		if failure.State != "" {
			text += " in " + failure.State
		}
		fields = append(fields,
			output.Field{Name: "failure", Value: text + " at " + f.Printer.Time(&failure.FailedAt)},
			output.Field{Name: "  cause", Value: factory.CauseText(failure.Cause)},
			output.Field{Name: "  decision", Value: failure.Decision})
	}
	return fields
}
