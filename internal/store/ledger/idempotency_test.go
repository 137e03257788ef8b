package ledger_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

func TestAKeyExpiresThirtyDaysAfterItsFirstUse(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	_, err := l.Claims.Add(t.Context(), "ticket-4711", domain.Claim{AcceptedID: "p", BodyHash: "h", CreatedAt: domain.At(start)})
	ok(t, err)
	later := domain.Claim{AcceptedID: "q", BodyHash: "h", CreatedAt: domain.At(start.Add(24 * time.Hour))}
	second, err := l.Claims.Add(t.Context(), "ticket-4711", later)
	if !errors.Is(err, ledger.ErrConflict) || second.AcceptedID != "p" {
		t.Errorf("got replay %q and %v, want p and a conflict", second.AcceptedID, err)
	}
	hash := sha256.Sum256([]byte("ticket-4711"))
	row, err := table.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(awstest.TableName), Key: map[string]types.AttributeValue{
		schema.PartitionKey: &types.AttributeValueMemberS{Value: "K#" + hex.EncodeToString(hash[:])}, schema.SortKey: &types.AttributeValueMemberS{Value: "K"},
	}})
	ok(t, err)
	expires, _ := row.Item[schema.TTL].(*types.AttributeValueMemberN) // DynamoDB reads a number of seconds, and nothing else
	if want := strconv.FormatInt(start.Add(30*24*time.Hour).Unix(), 10); expires == nil || expires.Value != want {
		t.Errorf("got %s %v, want %s", schema.TTL, expires, want)
	}
}
