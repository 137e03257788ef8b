package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// Claim is the row of an Idempotency-Key: the replay that it stands for, from its first use on.
type Claim struct {
	keys
	ReplayID  string `dynamodbav:"replayId"`
	BodyHash  string `dynamodbav:"bodyHash"`
	CreatedAt Stamp  `dynamodbav:"createdAt"` // relative times of the request count from here
}

// Claim ties a key to a replay. For a key in use it returns the row that is there with ErrConflict.
func (l *Ledger) Claim(ctx context.Context, key string, c Claim) (Claim, error) {
	sum := sha256.Sum256([]byte(key))
	c.PK, c.SK = "K#"+hex.EncodeToString(sum[:]), "K"
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
