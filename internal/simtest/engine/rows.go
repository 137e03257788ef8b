package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

func rowOf(execution string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		schema.PartitionKey: &types.AttributeValueMemberS{Value: "X#" + execution},
		schema.SortKey:      &types.AttributeValueMemberS{Value: "X"},
	}
}

// Forget removes an execution's row from the ledger, as if it had never been written.
func (e *Engine) Forget(ctx context.Context, execution string) error {
	_, err := e.table.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: aws.String(simtest.Table), Key: rowOf(execution),
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", execution, err)
	}
	return nil
}

// OpenSince sets the time at which an open execution is due for a look-up. It may be in the past.
func (e *Engine) OpenSince(ctx context.Context, execution string, at time.Time) error {
	_, err := e.table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(simtest.Table), Key: rowOf(execution),
		UpdateExpression:         aws.String("SET #k = :k"),
		ConditionExpression:      aws.String("attribute_exists(#k)"),
		ExpressionAttributeNames: map[string]string{"#k": schema.ByTime.SortKey},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":k": &types.AttributeValueMemberS{Value: domain.At(at).String() + "#" + execution},
		},
	})
	if err != nil {
		return fmt.Errorf("backdate %s: %w", execution, err)
	}
	return nil
}
