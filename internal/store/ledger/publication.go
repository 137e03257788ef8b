package ledger

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

func publicationKey(resourceID string) (pk, sk string) { return "N#" + resourceID, "N" }

// Get returns the row of a resource, or ErrNotFound.
func (l *Publications) Get(ctx context.Context, resourceID string) (domain.Publication, error) {
	return read[domain.Publication](ctx, l.table, key(publicationKey(resourceID)))
}

// Find returns the rows of the given resources, without those that have none.
func (l *Publications) Find(ctx context.Context, resourceIDs []string) ([]domain.Publication, error) {
	return fetched[domain.Publication](ctx, l.table, keysFor(resourceIDs, publicationKey))
}

// Raise records that an event is about to be published. The place in a row only moves forward: Raise keeps that of a
// newer event. It returns the row as it is then.
func (l *Publications) Raise(ctx context.Context, resourceID string, place domain.Stamp) (domain.Publication, error) {
	c := publicationChange(resourceID).Latest("place", place)
	p, err := applied[domain.Publication](ctx, l.table, c, "raise publication")
	if errors.Is(err, ErrConflict) {
		return p, nil
	}
	return p, err
}

// Hold begins the publication of an event. If that of a newer event has begun, or another execution holds the row, it
// returns the row with ErrConflict.
func (l *Publications) Hold(ctx context.Context, h domain.PublicationHold) (domain.Publication, error) {
	c := holdChange(h, h.Place).Set("place", str(h.Place.String()))
	p, err := applied[domain.Publication](ctx, l.table, c, "hold publication")
	if errors.Is(err, ErrConflict) && p.Place.After(h.Place.Time) && !p.Place.After(h.Over.Time) {
		return applied[domain.Publication](ctx, l.table, holdChange(h, h.Over), "hold publication")
	}
	return p, err
}

func holdChange(h domain.PublicationHold, over domain.Stamp) *change {
	return publicationChange(h.ResourceID).
		Set("holder", str(h.Execution)).Set("holderPlace", str(h.Place.String())).Set("heldUntil", str(domain.At(h.Until).String())).
		If("attribute_not_exists({place}) OR {place} <= ?", str(over.String())).
		If("attribute_not_exists({holder}) OR {holder} = ? OR {heldUntil} < ?", str(h.Execution), str(domain.At(h.Now).String()))
}

// Release ends the publication that a holder began. It does nothing if another one holds the row by now.
func (l *Publications) Release(ctx context.Context, resourceID, holder string) error {
	c := publicationChange(resourceID).Remove("holder", "holderPlace", "heldUntil").If("{holder} = ?", str(holder))
	return ignoreConflict(l.apply(ctx, c, "release publication"))
}

func publicationChange(resourceID string) *change {
	return newChange(publicationKey(resourceID)).Set("resourceId", str(resourceID))
}
