package start

import (
	"context"
	"slices"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// nameVersions puts ids in the place of versions that are counted from the latest, or meant by a time.
func nameVersions(ctx context.Context, f *factory.Factory, api *client.Client, d *request.Document, texts []string) error {
	var specs []versions.Spec
	var at []int
	ids := slices.Clone(texts)
	for i, text := range texts {
		spec, err := versions.Parse(f, text)
		if err != nil {
			return err
		}
		if spec.ID() == "" {
			specs, at = append(specs, spec), append(at, i)
		}
	}
	if len(specs) == 0 {
		return nil
	}
	found, err := versions.Find(ctx, f, api, d.IDs[0], specs...)
	if err != nil {
		return versions.NoResource(err, d.IDs[0])
	}
	for i, v := range found {
		ids[at[i]] = v.VersionID
	}
	if chosen, is := d.Versions.(map[string]any); is {
		chosen["ids"] = ids
	}
	return nil
}
