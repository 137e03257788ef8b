package ingest

import (
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/transform"
)

// Patch applies a transform to an event. What it makes must still be an event of the same resource, within the limits.
func (r Reader) Patch(t *transform.Transform, resourceID string, event []byte) ([]byte, error) {
	patched, err := t.Apply(event)
	if err != nil {
		return nil, err
	}
	if protocol.IsReserved(patched) {
		return nil, fmt.Errorf("the patch sets the reserved key %q, which only replays may carry: leave it out",
			schema.EnvelopeKey)
	}
	ids, err := r.Read(patched)
	if err != nil {
		return nil, fmt.Errorf("the patched event is refused: %w", err)
	}
	if ids.ResourceID != resourceID {
		return nil, fmt.Errorf("the patch changes the resource id to %q", ids.ResourceID)
	}
	return patched, nil
}
