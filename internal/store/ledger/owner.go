package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

func ownerPartition(ownerID, shard string) string { return "O#" + ownerID + "#" + shard }

// Note records that an owner had an event about a resource, unless a later one is recorded: events may be noted late or
// twice. Only the latest event of a resource says who owns it now.
func (l *Owners) Note(ctx context.Context, ownerID, resourceID string, at domain.Stamp) error {
	c := newChange(ownerPartition(ownerID, shard(resourceID)), resourceID).
		Set("resourceId", str(resourceID)).Latest("seenAt", at)
	return ignoreConflict(l.apply(ctx, c, "note owner of resource"))
}

// Resources returns a page of at most limit resources about which an owner had events, and the cursor of the next page,
// empty after the last. The first page has an empty cursor. Resources without an event of the owner since the given
// time are left out.
func (l *Owners) Resources(
	ctx context.Context, ownerID string, since time.Time, cursor string, limit int,
) (ids []string, next string, err error) {
	rows, next, err := l.List(ctx, ownerID, since, cursor, limit)
	for _, r := range rows {
		ids = append(ids, r.ResourceID)
	}
	return ids, next, err
}

// List is Resources with the whole rows.
func (l *Owners) List(
	ctx context.Context, ownerID string, since time.Time, cursor string, limit int,
) (found []domain.OwnedResource, next string, err error) {
	at, after := 0, ""
	if cursor != "" {
		part, rest, _ := strings.Cut(cursor, "#")
		if at, err = strconv.Atoi(part); err != nil || at < 0 || at >= Shards {
			return nil, "", fmt.Errorf("owner cursor %q: %w", cursor, ErrCursor)
		}
		after = rest
	}
	for ; at < Shards; at, after = at+1, "" {
		partition := ownerPartition(ownerID, strconv.Itoa(at))
		rows, more, err := query[domain.OwnedResource](ctx, l.table, tableRange(partition, after, limit-len(found)))
		if err != nil {
			return nil, "", err
		}
		for _, r := range rows {
			if !r.SeenAt.Before(since) {
				found = append(found, r)
			}
		}
		if more {
			return found, strconv.Itoa(at) + "#" + rows[len(rows)-1].ResourceID, nil
		}
		if len(found) >= limit && at+1 < Shards {
			return found, strconv.Itoa(at+1) + "#", nil
		}
	}
	return found, "", nil
}
