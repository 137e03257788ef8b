package ledger

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

func correctionKey(resourceID, versionID string) (pk, sk string) { return "V#" + resourceID, versionID }

// correcting is the row of a version that has a correction, or was about to get one.
type correcting struct {
	By string `row:"by"` // the name of the execution that records the correction
}

// Corrector returns the execution that has corrected a version, or was the last one bound to do so. It returns
// ErrNotFound if there is none.
func (l *Executions) Corrector(ctx context.Context, resourceID, versionID string) (domain.Execution, error) {
	row, err := read[correcting](ctx, l.table, key(correctionKey(resourceID, versionID)))
	if err != nil {
		return domain.Execution{}, err
	}
	return l.Get(ctx, row.By)
}

// BindCorrection binds an item as Bind does, to the execution that corrects a version. It takes the place of the
// execution named before, which has recorded nothing; before is empty if there is none. It also returns ErrConflict if
// another execution has taken that place.
func (l *Items) BindCorrection(ctx context.Context, i domain.Item, e domain.Execution, before string) error {
	writes, err := l.bind(i, e)
	if err != nil {
		return err
	}
	c := newChange(correctionKey(e.ResourceID, e.Corrects)).Set("by", str(e.Name))
	if before == "" {
		c.If("attribute_not_exists({pk})")
	} else {
		c.If("{by} = ?", str(before))
	}
	return l.transact(ctx, "bind correction to item of replay "+i.ReplayID, append(writes, c.transact(l.name)))
}

// bind are the writes that bind an item and insert the row of its execution.
func (l *table) bind(i domain.Item, e domain.Execution) ([]types.TransactWriteItem, error) {
	put, err := l.executionPut(e)
	if err != nil {
		return nil, err
	}
	return []types.TransactWriteItem{put, bound(i, e.VersionID, e.Name).transact(l.name)}, nil
}
