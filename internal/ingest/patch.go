package ingest

import (
	"context"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Patch applies a transform that calls no function to an event. What it makes must still be an event of the same
// resource.
func (r Reader) Patch(ctx context.Context, t *transform.Transform, resourceID string, event []byte) ([]byte, error) {
	made, err := t.Apply(ctx, event, transform.Subject{ResourceID: resourceID})
	if err != nil {
		return nil, err
	}
	if err := r.CheckTransformed(resourceID, made); err != nil {
		return nil, err
	}
	return made, nil
}

// CheckTransformed says why what a transform has made is not an event of the same resource, within the limits.
func (r Reader) CheckTransformed(resourceID string, made []byte) error {
	if protocol.IsReserved(made) {
		return fmt.Errorf("the transform sets the reserved key %q, which only replays may carry: leave it out", schema.EnvelopeKey)
	}
	ids, err := r.Read(made)
	if err != nil {
		return fmt.Errorf("the transformed event is refused: %w", err)
	}
	if ids.ResourceID != resourceID {
		return fmt.Errorf("the transform changes the resource id to %q", ids.ResourceID)
	}
	return nil
}
