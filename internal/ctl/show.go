package ctl

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

func (a *app) showCommand() *cobra.Command {
	var version string
	var raw bool
	c := &cobra.Command{
		Use:   "show RESOURCE[@VERSION]",
		Short: "Print one event of a resource",
		Long: `Prints an event as it was recorded: the latest of the resource, or the one that VERSION means. On a terminal it is
indented; into a pipe or a file it goes byte for byte, as with --raw.

` + versionHelp + `

An id of a resource may have an @ in it: if there is a resource with the whole argument as its id, that is meant. Otherwise
the version begins behind the last @. With --version, the argument is the id, whatever is in it.`,
		Example: `  replayctl show L-1
  replayctl show L-1@1d
  replayctl show L-1@latest-1 | jq .listing.priceUsd
  replayctl show ada@example.com --version "2026-11-24 18:00"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client(c.Context())
			if err != nil {
				return err
			}
			resource := args[0]
			if !c.Flags().Changed("version") {
				if resource, version, err = a.resourceAt(c.Context(), api, resource); err != nil {
					return err
				}
			}
			spec, err := a.parseVersion(version)
			if err != nil {
				return err
			}
			return noResource(a.show(c.Context(), api, resource, spec, raw), resource)
		},
	}
	c.Flags().StringVar(&version, "version", "", "the `VERSION` to print, instead of behind an @ (default: the latest)")
	c.Flags().BoolVar(&raw, "raw", false, "byte for byte, on a terminal too")
	return c
}

func (a *app) show(ctx context.Context, api *client.Client, resource string, spec versionSpec, raw bool) error {
	if spec.id == "" {
		found, err := a.versions(ctx, api, resource, spec)
		if err != nil {
			return err
		}
		v := found[0]
		spec.id = v.VersionID
		if a.p.Terminal.Err {
			a.say("%s", a.paintErr(output.Dim, fmt.Sprintf("%s version %s, recorded %s (%s ago), %s",
				output.Printable(resource), v.VersionID, a.out.Time(&v.RecordedAt), a.age(v.RecordedAt), versionOutcome(v))))
		}
	}
	event, err := api.Event(ctx, resource, spec.id)
	if client.NotFound(err) {
		return a.noVersion(resource, spec, 1)
	}
	if err != nil {
		return err
	}
	if a.out.Format == output.Table && (raw || !a.p.Terminal.Out) {
		_, err := a.out.Out.Write(event)
		return err
	}
	if a.out.Format == output.Table {
		return a.out.Document(a.out.Out, event)
	}
	return a.out.Value(json.RawMessage(event), nil)
}
