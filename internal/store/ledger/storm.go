package ledger

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

const stormsPartition = "GROUPS"

func stormKey(name string) (pk, sk string) { return "E#" + name, "E" }

// Get returns the row of an error, or ErrNotFound.
func (l *Storms) Get(ctx context.Context, name string) (domain.Storm, error) {
	return read[domain.Storm](ctx, l.table, key(stormKey(name)))
}

// Save writes a storm that was read and changed. It returns ErrConflict if another caller has changed it since.
func (l *Storms) Save(ctx context.Context, s domain.Storm) (domain.Storm, error) {
	var k keys
	k.PK, k.SK = stormKey(s.Error)
	if s.Holds {
		k.TPK, k.TSK = stormsPartition, s.NextAt.String()+"#"+s.Error
	}
	was := s.Revision
	s.Revision++
	row, err := marshal(k, s)
	if err != nil {
		return s, err
	}
	cond := "attribute_not_exists(#r) OR #r = :was"
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.name, Item: row, ConditionExpression: &cond,
		ExpressionAttributeNames: map[string]string{"#r": "revision"}, ExpressionAttributeValues: item{":was": num(was)},
	})
	return s, conflict(err, nil, "save storm "+s.Error)
}

// Due returns at most limit storms that hold failures and are due for a check, and the cursor of the next page, empty
// after the last.
func (l *Storms) Due(ctx context.Context, now time.Time, cursor string, limit int) ([]domain.Storm, string, error) {
	return upTo[domain.Storm](ctx, l.table, stormsPartition, now, cursor, limit)
}
