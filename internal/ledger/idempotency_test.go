package ledger_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func TestAKeyExpiresThirtyDaysAfterItsFirstUse(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	first, err := l.Claim(t.Context(), "ticket-4711", ledger.Claim{ReplayID: "p", BodyHash: "h", CreatedAt: ledger.At(start)})
	ok(t, err)
	later := ledger.Claim{ReplayID: "q", BodyHash: "h", CreatedAt: ledger.At(start.Add(24 * time.Hour))}
	second, err := l.Claim(t.Context(), "ticket-4711", later)
	if !errors.Is(err, ledger.ErrConflict) || second.ReplayID != "p" {
		t.Errorf("got replay %q and %v, want p and a conflict", second.ReplayID, err)
	}
	row, err := table.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(awstest.TableName), Key: map[string]types.AttributeValue{
		schema.PartitionKey: &types.AttributeValueMemberS{Value: first.PK}, schema.SortKey: &types.AttributeValueMemberS{Value: first.SK},
	}})
	ok(t, err)
	expires, _ := row.Item[schema.TTL].(*types.AttributeValueMemberN) // DynamoDB reads a number of seconds, and nothing else
	if want := strconv.FormatInt(start.Add(30*24*time.Hour).Unix(), 10); expires == nil || expires.Value != want {
		t.Errorf("got %s %v, want %s", schema.TTL, expires, want)
	}
}
