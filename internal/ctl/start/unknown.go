package start

import (
	"context"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// How much is looked up before a start, and for how long.
const (
	lookUpAtMost = 5
	lookUpFor    = 3 * time.Second
)

// warnOfUnknown warns of ids that the event log does not know. Their items will be skipped, and a command that does not
// wait would not show it. A caller may lack the permission to read versions: then there is no warning.
func warnOfUnknown(ctx context.Context, f *factory.Factory, api *client.Client, d request.Document, typed []string) {
	if len(d.IDs)+len(typed) > lookUpAtMost {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpFor)
	defer cancel()
	warn := func(what string) {
		f.Say("%s", f.PaintErr(output.Yellow, "warning: "+output.Printable(what)+": its item will be skipped"))
	}
	for _, id := range d.IDs {
		for _, err := range api.WithPageSize(1).Versions.List(ctx, id) {
			if client.NotFound(err) {
				warn("the event log has no resource " + id)
				typed = nil
			}
			break
		}
	}
	for _, text := range typed {
		spec, err := versions.Parse(f, text)
		if err != nil || spec.ID() == "" { // a version that was found by a time or a number exists
			continue
		}
		if _, err := api.Versions.GetEvent(ctx, d.IDs[0], spec.ID()); client.NotFound(err) {
			warn(fmt.Sprintf("%s has no version %s with an event", d.IDs[0], spec.ID()))
		}
	}
}
