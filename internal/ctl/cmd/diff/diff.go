// Package diff is the command that compares two versions of a resource.
package diff

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/delta"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var exitCode bool
	c := &cobra.Command{
		Use:   "diff RESOURCE [VERSION [VERSION]]",
		Short: "Show what changed between two versions of a resource",
		Long: `Shows the changes between two versions of a resource: the latest two, VERSION and the latest, or two VERSIONs.

` + versions.Help + `

Each change is a line: + adds, - removes, ~ replaces. Paths are JSON Pointers (RFC 6901). Changes apply one after the
other, so an array index counts after the changes above it. -o json writes a JSON Patch (RFC 6902), with a test of the old
value before each change. -o jsonl writes one operation per line. Numbers keep every digit.`,
		Example: `  replayctl diff L-1
  replayctl diff L-1 1d
  replayctl diff L-1 latest-5 latest-4
  replayctl diff L-1 3HL4kqtJvjVBH40Nrjfkd UIORUnfndfiufdisojhr398493jfdkjF --exit-code`,
		ValidArgsFunction: f.Complete().Versions,
		Args:              factory.Arguments(1, "RESOURCE", "VERSION", "VERSION"),
		RunE: func(c *cobra.Command, args []string) error {
			texts := []string{"latest-1", "latest"}
			switch len(args) {
			case 2:
				texts[0] = args[1]
			case 3:
				texts = args[1:]
			}
			var specs []versions.Spec
			for _, text := range texts {
				spec, err := versions.Parse(f, text)
				if err != nil {
					return err
				}
				specs = append(specs, spec)
			}
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			differ, err := run(c.Context(), f, api, args[0], specs)
			if err != nil {
				return versions.NoResource(err, args[0])
			}
			if differ && exitCode {
				return &exit.Error{Code: exit.General}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 if the events differ, as git diff does")
	return c
}

// run shows what leads from one version to another, and reports whether anything does.
func run(ctx context.Context, f *factory.Factory, api *client.Client, resource string, specs []versions.Spec) (bool, error) {
	found, err := versions.Find(ctx, f, api, resource, specs...)
	if err != nil {
		return false, err
	}
	var events [2][]byte
	for i, v := range found {
		if events[i], err = api.Versions.GetEvent(ctx, resource, v.VersionID); err != nil {
			return false, err
		}
	}
	ops, err := delta.Compare(events[0], events[1])
	if err != nil {
		return false, fmt.Errorf("compare versions of %s: %w", resource, err)
	}
	switch f.Printer.Format {
	case output.Lines:
		_, err = output.List(f.Printer, "", nil, factory.Sequence(ops))
	case output.JSON:
		err = f.Printer.Value(ops, nil)
	default:
		err = showChanges(f, f.Printer.Out, resource, found, ops)
	}
	return len(ops) > 0, err
}

func showChanges(f *factory.Factory, w io.Writer, resource string, found []replay.Version, ops []delta.Op) error {
	if len(ops) == 0 {
		f.Say("no difference between versions %s and %s", found[0].VersionID, found[1].VersionID)
		return nil
	}
	for i, sign := range []string{"---", "+++"} {
		v := found[i]
		title := fmt.Sprintf("%s %s version %s, recorded %s, %s", sign, resource, v.VersionID, f.Printer.Time(&v.RecordedAt), v.Status())
		if _, err := fmt.Fprintln(w, f.Printer.Paint(output.Bold, output.Printable(title))); err != nil {
			return err
		}
	}
	return delta.Write(w, f.Printer, ops)
}
