package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Add binds a key to a replay or a job. If the key is in use, it returns the existing row with ErrConflict.
func (l *Claims) Add(ctx context.Context, key string, c domain.Claim) (domain.Claim, error) {
	sum := sha256.Sum256([]byte(key))
	c.ExpiresAt = c.CreatedAt.Add(replay.IdempotencyKeyLife).Unix()
	var existing domain.Claim
	err := l.insert(ctx, keys{PK: "K#" + hex.EncodeToString(sum[:]), SK: "K"}, c, &existing)
	if isConflict(err) && existing.AcceptedID == c.AcceptedID { // the response to a first attempt was lost
		return c, nil
	}
	if err != nil {
		return existing, err
	}
	return c, nil
}
