package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// maxLease is longer than any holder lives: a function runs for 15 minutes at most.
const maxLease = 20 * time.Minute

// Acquire takes a lease, so that runs of the same job exclude each other. It returns ErrConflict while another holder
// has it. A holder that dies loses the lease when it expires. A lease that ends later than any holder can live comes
// from a wrong clock, and is taken over.
func (l *Leases) Acquire(ctx context.Context, name, holder string, now, until time.Time) error {
	c := newChange("L#"+name, "L").Set("holder", str(holder)).Set("until", str(domain.At(until).String())).
		If("attribute_not_exists({pk}) OR {until} < ? OR {until} > ? OR {holder} = ?",
			str(domain.At(now).String()), str(domain.At(now.Add(maxLease)).String()), str(holder))
	return l.apply(ctx, c, "acquire lease "+name)
}

// Release gives a lease back. It does nothing if another holder has it by now.
func (l *Leases) Release(ctx context.Context, name, holder string) error {
	cond := "#h = :h"
	_, err := l.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &l.name, Key: key("L#"+name, "L"), ConditionExpression: &cond,
		ExpressionAttributeNames:  map[string]string{"#h": "holder"},
		ExpressionAttributeValues: item{":h": str(holder)},
	})
	if err := conflict(err, nil, "release lease "+name); err != nil && !isConflict(err) {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}
