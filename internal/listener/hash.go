package listener

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// hashReads is how many pages one message adds to the hash of a plan, which takes about a second.
const hashReads = 100

// hash computes the hash of a plan: SHA-256 over the request as it is stored, and a line for each version that would
// run, in the order of the items. Each message goes on where the one before stopped: a plan of any size need not fit in
// memory. A plan does not change, so a repeated message comes to the same hash.
func (l *Listener) hash(ctx context.Context, msg protocol.ReplayMessage) error {
	r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil || r.Status != replay.Planned || r.PlanHash != "" {
		return err
	}
	now := domain.At(l.now())
	if err := l.Book.Plans.MarkHashing(ctx, r.ID, now, now); err != nil && !errors.Is(err, ledger.ErrConflict) {
		return err
	}
	sum, err := l.hashed(ctx, msg)
	if err != nil {
		return err
	}
	for items, err := range l.readOn(ctx, r, &msg.Cursor, hashReads) {
		if err != nil {
			return err
		}
		for _, it := range items {
			if it.Outcome == replay.WouldRun {
				sum.Write(planLine(it))
			}
		}
	}
	if msg.Cursor != "" {
		if msg.Sum, err = sum.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
			return fmt.Errorf("keep hash of plan %s: %w", r.ID, err)
		}
		return l.sendOn(ctx, msg)
	}
	return l.Book.Plans.SetHash(ctx, r.ID, hex.EncodeToString(sum.Sum(nil)))
}

// hashed restores the hash as the previous message left it.
func (l *Listener) hashed(ctx context.Context, msg protocol.ReplayMessage) (hash.Hash, error) {
	sum := sha256.New()
	if len(msg.Sum) > 0 {
		if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(msg.Sum); err != nil {
			return nil, fmt.Errorf("take up hash of plan %s: %w", msg.ReplayID, err)
		}
		return sum, nil
	}
	request, err := l.Log.Object(ctx, eventlog.RequestKey(msg.ReplayID))
	if err != nil {
		return nil, err
	}
	sum.Write(append(request, '\n'))
	return sum, nil
}

// planLine is the line for an item in the hash of a plan, as JSON.
func planLine(it domain.Item) []byte {
	line, err := json.Marshal([]string{it.ResourceID, it.VersionID, it.Digest})
	if err != nil {
		panic(err) // strings always marshal
	}
	return append(line, '\n')
}

// digest identifies an event that is not a version, in a plan.
func digest(event []byte) string {
	sum := sha256.Sum256(event)
	return hex.EncodeToString(sum[:])
}
