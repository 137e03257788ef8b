// Package show is the command that prints an event.
package show

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var version string
	var raw bool
	c := &cobra.Command{
		Use:   "show RESOURCE[@VERSION]",
		Short: "Print one event of a resource",
		Long: `Prints an event as it was recorded: the latest version of the resource, or VERSION. A terminal shows it
indented. A pipe or a file gets its bytes and a newline; with --raw, its bytes alone.

` + versions.Help + `

A resource id may contain @. If a resource has the whole argument as its id, that resource is printed. Otherwise the version
begins after the last @. With --version, the whole argument is the id.`,
		Example: `  replayctl show L-1
  replayctl show L-1@1d
  replayctl show L-1@latest-1 | jq .listing.priceUsd
  replayctl show ada@example.com --version "2026-11-24 18:00"`,
		Args:              factory.Arguments(1, "RESOURCE"),
		ValidArgsFunction: f.Complete().Resource,
		RunE: func(c *cobra.Command, args []string) error {
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			resource := args[0]
			if !c.Flags().Changed("version") {
				if resource, version, err = versions.ResourceAt(c.Context(), api, resource); err != nil {
					return err
				}
			}
			spec, err := versions.Parse(f, version)
			if err != nil {
				return err
			}
			return versions.NoResource(run(c.Context(), f, api, resource, spec, raw), resource)
		},
	}
	c.Flags().StringVar(&version, "version", "", "the `VERSION` to print; the argument is then the id (default: the latest)")
	factory.CompleteWith(c, "version", f.Complete().Versions)
	c.Flags().BoolVar(&raw, "raw", false, "the bytes alone, on a terminal too")
	return c
}

func run(ctx context.Context, f *factory.Factory, api *client.Client, resource string, spec versions.Spec, raw bool) error {
	id := spec.ID()
	if id == "" {
		found, err := versions.Find(ctx, f, api, resource, spec)
		if err != nil {
			return err
		}
		v := found[0]
		id = v.VersionID
		if f.Process.Terminal.Err {
			f.Say("%s", f.PaintErr(output.Dim, fmt.Sprintf("%s version %s, recorded %s (%s ago), %s",
				output.Printable(resource), v.VersionID, f.Printer.Time(&v.RecordedAt), f.Age(v.RecordedAt), v.Status())))
			if c := v.Correction; c != nil {
				corrects := fmt.Sprintf("it corrects version %s, by %s: %s", c.Of, c.By, c.Reason)
				f.Say("%s", f.PaintErr(output.Dim, output.Printable(corrects)))
			}
		}
	}
	event, err := api.Versions.GetEvent(ctx, resource, id)
	if client.NotFound(err) {
		if _, err = versions.Find(ctx, f, api, resource, spec); err != nil { // it says why
			return err
		}
		return versions.None(f, resource, spec, 1)
	}
	if err != nil {
		return err
	}
	if f.Printer.Format == output.Table && (raw || !f.Process.Terminal.Out) {
		if !raw {
			event = append(bytes.TrimRight(event, "\n"), '\n')
		}
		_, err := f.Printer.Out.Write(event)
		return err
	}
	if f.Printer.Format == output.Table {
		return f.Printer.Document(f.Printer.Out, event)
	}
	return f.Printer.Value(json.RawMessage(event), nil)
}
