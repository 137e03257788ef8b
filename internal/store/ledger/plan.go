package ledger

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// MarkHashing records that the hash of a plan is being computed. It returns ErrConflict if that was recorded after
// since, or if the plan has its hash.
func (l *Plans) MarkHashing(ctx context.Context, id string, at, since domain.Stamp) error {
	c := newChange(replayKey(id)).Set("hashingAt", str(at.String())).
		If("{status} = ? AND attribute_not_exists({planHash}) AND (attribute_not_exists({hashingAt}) OR {hashingAt} <= ?)",
			str(string(replay.Planned)), str(since.String()))
	return l.apply(ctx, c, "mark plan "+id+" hashing")
}

// SetHash stores the hash of a plan, which never changes.
func (l *Plans) SetHash(ctx context.Context, id, hash string) error {
	c := newChange(replayKey(id)).Set("planHash", str(hash)).
		If("{status} = ? AND attribute_not_exists({planHash})", str(string(replay.Planned)))
	return ignoreConflict(l.apply(ctx, c, "set hash of plan "+id)) // another delivery has computed the same
}

// MarkApplied records which replay applies a plan. It returns the plan, with ErrConflict if another replay applies it.
func (l *Plans) MarkApplied(ctx context.Context, id, by string) (domain.Replay, error) {
	c := newChange(replayKey(id)).Set("appliedBy", str(by)).
		If("attribute_exists({planHash}) AND (attribute_not_exists({appliedBy}) OR {appliedBy} = ?)", str(by))
	return applied[domain.Replay](ctx, l.table, c, "mark plan "+id+" applied")
}
