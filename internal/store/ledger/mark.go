package ledger

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

func markKey(name string) (pk, sk string) { return "M#" + name, "M" }

// Get returns a mark, or ErrNotFound.
func (l *Marks) Get(ctx context.Context, name string) (domain.Mark, error) {
	return read[domain.Mark](ctx, l.table, key(markKey(name)))
}

// Save replaces a mark, unless the stored one is newer: a holder may go on after its lease has expired.
func (l *Marks) Save(ctx context.Context, m domain.Mark) error {
	var k keys
	k.PK, k.SK = markKey(m.Name)
	row, err := marshal(k, m)
	if err != nil {
		return err
	}
	cond := "attribute_not_exists(#t) OR #t <= :t"
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.name, Item: row, ConditionExpression: &cond,
		ExpressionAttributeNames:  map[string]string{"#t": "takenAt"},
		ExpressionAttributeValues: item{":t": str(m.TakenAt.String())},
	})
	return ignoreConflict(conflict(err, nil, "save mark "+m.Name))
}
