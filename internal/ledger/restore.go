package ledger

import (
	"context"
)

// RestoreOwned notes, as AddOwned does, that an owner had an event about a resource, unless the ledger knows of a later
// one.
func (l *Ledger) RestoreOwned(ctx context.Context, ownerID, resourceID string, at Stamp) error {
	c := newChange(ownerPartition(ownerID, shard(resourceID)), resourceID).
		Set("resourceId", str(resourceID)).Set("seenAt", str(at.String())).
		If("attribute_not_exists({pk}) OR {seenAt} < ?", str(at.String()))
	_, err := l.api.UpdateItem(ctx, c.input(l.table))
	return ignoreConflict(conflict(err, nil, "restore owner of resource"))
}

// MissingExecutions returns which of some executions have no row.
func (l *Ledger) MissingExecutions(ctx context.Context, names []string) (map[string]bool, error) {
	missing := make(map[string]bool, len(names))
	var wanted []item
	for _, n := range names {
		if !missing[n] {
			missing[n] = true
			wanted = append(wanted, key(executionKey(n)))
		}
	}
	rows, err := fetched[Execution](ctx, l, wanted)
	for _, row := range rows {
		delete(missing, row.Name)
	}
	return missing, err
}
