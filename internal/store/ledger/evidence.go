package ledger

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// MarkWriting notes that the evidence of an ended replay is being written. It returns ErrConflict if that was noted
// after since, or if the evidence is written. Until then, Replays.Open returns the replay.
func (l *Evidence) MarkWriting(ctx context.Context, id string, at, since domain.Stamp) error {
	c := newChange(replayKey(id)).Set("evidenceAt", str(at.String())).open(at, id).
		If("{status} IN (?, ?, ?) AND attribute_not_exists({evidence}) AND "+
			"(attribute_not_exists({evidenceAt}) OR {evidenceAt} <= ?)",
			str(string(replay.Completed)), str(string(replay.Cancelled)), str(string(replay.Halted)), str(since.String()))
	return l.apply(ctx, c, "mark evidence of replay "+id)
}

// SetDigest stores the digest of evidence that is written.
func (l *Evidence) SetDigest(ctx context.Context, id, digest string) error {
	c := newChange(replayKey(id)).Set("evidence", str(digest)).Remove("tpk", "tsk").
		If("attribute_exists({completedAt}) AND attribute_not_exists({evidence})")
	return ignoreConflict(l.apply(ctx, c, "set evidence of replay "+id)) // another delivery has written the same
}
