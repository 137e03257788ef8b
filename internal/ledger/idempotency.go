package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Claim is the row of an Idempotency-Key: the replay that it stands for, from its first use on.
type Claim struct {
	keys
	ReplayID  string `dynamodbav:"replayId"`
	BodyHash  string `dynamodbav:"bodyHash"`
	CreatedAt Stamp  `dynamodbav:"createdAt"` // relative times of the request count from here
	ExpiresAt int64  `dynamodbav:"expiresAt"` // schema.TTL: a caller that got no answer has given up long before
}

// Claim ties a key to a replay. For a key in use it returns the row that is there with ErrConflict.
func (l *Ledger) Claim(ctx context.Context, key string, c Claim) (Claim, error) {
	sum := sha256.Sum256([]byte(key))
	c.PK, c.SK = "K#"+hex.EncodeToString(sum[:]), "K"
	c.ExpiresAt = c.CreatedAt.Add(replay.IdempotencyKeyLife).Unix()
	var existing Claim
	err := l.insert(ctx, c, &existing)
	if isConflict(err) && existing.ReplayID == c.ReplayID { // the answer of a first try was lost
		return c, nil
	}
	if err != nil {
		return existing, err
	}
	return c, nil
}
