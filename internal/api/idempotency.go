package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/exact"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// claim binds a key to a request. It refuses a key that is bound to another request.
func (a *API) claim(ctx context.Context, what, key string, body []byte, c domain.Claim) (domain.Claim, error) {
	var err error
	if c.BodyHash, err = hashOf(body); err != nil {
		return c, err
	}
	claimed, err := a.book.Claims.Add(ctx, key, c)
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		return c, err
	}
	if claimed.BodyHash != c.BodyHash {
		return c, refused("the Idempotency-Key %q was used with another body, "+
			"for %s %s: use a new key for a new request", replay.Shorten(key), what, claimed.AcceptedID)
	}
	return claimed, nil
}

// hashOf hashes a body, whatever its layout and the order of its fields.
func hashOf(body []byte) (string, error) {
	v, err := exact.Decode(body)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("hash request: %w", err) // it was decoded before
	}
	canonical, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("hash request: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

func idempotencyKey(req request) (key string, given bool, err error) {
	const name = "Idempotency-Key"
	keys := header(req, name)
	if len(keys) == 0 {
		return "", false, nil
	}
	f := replay.Fault{Field: name, Value: replay.Shorten(keys[0])}
	switch n := len(keys[0]); {
	case len(keys) > 1:
		f.Detail = fmt.Sprintf("is given %d times: give it once", len(keys))
	case n == 0 || n > replay.MaxIdempotencyKeyBytes:
		f.Detail = fmt.Sprintf("must have 1 to %d bytes", replay.MaxIdempotencyKeyBytes)
	default:
		return keys[0], true, nil
	}
	return "", false, &replay.InvalidError{Faults: []replay.Fault{f}}
}
