package ledger

import (
	"context"
	"errors"
	"time"
)

// Publication is the row of a resource that says what of it has been published: the newest place of an event whose
// publication began. A replay that publishes holds the row meanwhile, so that newer events wait for it.
type Publication struct {
	keys
	ResourceID  string `dynamodbav:"resourceId"`
	Place       Stamp  `dynamodbav:"place,omitempty"`
	Holder      string `dynamodbav:"holder,omitempty"` // the execution that publishes an older event
	HolderPlace Stamp  `dynamodbav:"holderPlace,omitempty"`
	HeldUntil   Stamp  `dynamodbav:"heldUntil,omitempty"`
}

func publicationKey(resourceID string) (pk, sk string) { return "N#" + resourceID, "N" }

// Publication returns the row of a resource, or ErrNotFound.
func (l *Ledger) Publication(ctx context.Context, resourceID string) (Publication, error) {
	var p Publication
	pk, sk := publicationKey(resourceID)
	err := l.get(ctx, pk, sk, &p)
	return p, err
}

// RaisePublication notes that an event is about to be published. The place of a row moves forward only: if that of a
// newer event is there, RaisePublication leaves it. It returns the row as it is then.
func (l *Ledger) RaisePublication(ctx context.Context, resourceID string, place Stamp) (Publication, error) {
	c := publicationChange(resourceID).Latest("place", place)
	p, err := l.updatePublication(ctx, c, "raise publication")
	if errors.Is(err, ErrConflict) {
		return p, nil
	}
	return p, err
}

// Hold is a wish to publish an event that newer ones may have overtaken.
type Hold struct {
	ResourceID string
	Execution  string
	Place      Stamp // of the event
	Over       Stamp // the newest place that it may be published after: its own, or that of the last of its series
	Now, Until time.Time
}

// HoldPublication begins to publish an event, unless a newer one's publication has begun or another execution holds the
// row: then it returns the row with ErrConflict.
func (l *Ledger) HoldPublication(ctx context.Context, h Hold) (Publication, error) {
	c := h.change(h.Place).Set("place", str(h.Place.String()))
	p, err := l.updatePublication(ctx, c, "hold publication")
	if errors.Is(err, ErrConflict) && p.Place.After(h.Place.Time) && !p.Place.After(h.Over.Time) {
		return l.updatePublication(ctx, h.change(h.Over), "hold publication")
	}
	return p, err
}

func (h Hold) change(over Stamp) *change {
	return publicationChange(h.ResourceID).
		Set("holder", str(h.Execution)).Set("holderPlace", str(h.Place.String())).Set("heldUntil", str(At(h.Until).String())).
		If("attribute_not_exists({place}) OR {place} <= ?", str(over.String())).
		If("attribute_not_exists({holder}) OR {holder} = ? OR {heldUntil} < ?", str(h.Execution), str(At(h.Now).String()))
}

// ReleasePublication ends what a holder began. Releasing what another one holds by now does nothing.
func (l *Ledger) ReleasePublication(ctx context.Context, resourceID, holder string) error {
	c := publicationChange(resourceID).Remove("holder", "holderPlace", "heldUntil").If("{holder} = ?", str(holder))
	_, err := l.updatePublication(ctx, c, "release publication")
	return ignoreConflict(err)
}

func publicationChange(resourceID string) *change {
	return newChange(publicationKey(resourceID)).Set("resourceId", str(resourceID))
}

func (l *Ledger) updatePublication(ctx context.Context, c *change, doing string) (Publication, error) {
	var p Publication
	out, err := l.update(ctx, c)
	if err := conflict(err, &p, doing); err != nil {
		return p, err
	}
	return p, unmarshal(out.Attributes, &p)
}
