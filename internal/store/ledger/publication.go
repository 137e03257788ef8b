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

// Lock begins the publication of an event. If that of a newer event has begun, or another execution has locked the row,
// it returns the row with ErrConflict.
func (l *Publications) Lock(ctx context.Context, w domain.PublicationLock) (domain.Publication, error) {
	c := lockChange(w, w.Place).Set("place", str(w.Place.String()))
	p, err := applied[domain.Publication](ctx, l.table, c, "lock publication")
	if errors.Is(err, ErrConflict) && p.Place.After(w.Place.Time) && !p.Place.After(w.MayFollow.Time) {
		return applied[domain.Publication](ctx, l.table, lockChange(w, w.MayFollow), "lock publication")
	}
	return p, err
}

func lockChange(w domain.PublicationLock, mayFollow domain.Stamp) *change {
	return publicationChange(w.ResourceID).
		Set("holder", str(w.Execution)).Set("holderPlace", str(w.Place.String())).Set("heldUntil", str(domain.At(w.Until).String())).
		If("attribute_not_exists({place}) OR {place} <= ?", str(mayFollow.String())).
		If("attribute_not_exists({holder}) OR {holder} = ? OR {heldUntil} < ?", str(w.Execution), str(domain.At(w.Now).String()))
}

// Unlock ends the publication that an execution began. It does nothing if another one has locked the row by now.
func (l *Publications) Unlock(ctx context.Context, resourceID, lockedBy string) error {
	c := publicationChange(resourceID).Remove("holder", "holderPlace", "heldUntil").If("{holder} = ?", str(lockedBy))
	return ignoreConflict(l.apply(ctx, c, "unlock publication"))
}

func publicationChange(resourceID string) *change {
	return newChange(publicationKey(resourceID)).Set("resourceId", str(resourceID))
}
