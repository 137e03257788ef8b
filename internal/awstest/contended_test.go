package awstest

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func rowAt(pk, sk string) row {
	return row{
		schema.PartitionKey: &types.AttributeValueMemberS{Value: pk},
		schema.SortKey:      &types.AttributeValueMemberS{Value: sk},
	}
}

func throttledBy(err error) bool {
	var tooMuch *types.ProvisionedThroughputExceededException
	return errors.As(err, &tooMuch)
}

func TestAnItemTakesOnlySoManyWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := NewContended(NewTable(), 0, func() time.Duration { return 0 })
		put := func(sk string) error {
			_, err := table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(TableName), Item: rowAt("p", sk)})
			return err
		}
		for i := range itemWrites {
			if err := put("s"); err != nil {
				t.Fatalf("write %d: %v", i, err)
			}
		}
		if err := put("s"); !throttledBy(err) {
			t.Errorf("got %v, want a throttled write", err)
		}
		if err := put("another"); err != nil {
			t.Errorf("another item: %v", err)
		}
		_, err := table.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String(TableName), Item: rowAt("p", "s")}},
		}})
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) || *cancelled.CancellationReasons[0].Code != "ProvisionedThroughputExceeded" {
			t.Errorf("got %v, want a cancelled transaction", err)
		}
		time.Sleep(time.Second)
		if err := put("s"); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestAPartitionGivesOnlySoManyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := NewContended(NewTable(), 0, func() time.Duration { return 0 })
		get := func(pk string, n int) error {
			_, err := table.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(TableName), Key: rowAt(pk, fmt.Sprint(n))})
			return err
		}
		for i := range partitionReads {
			if err := get("p", i); err != nil {
				t.Fatalf("read %d: %v", i, err)
			}
		}
		if err := get("p", 0); !throttledBy(err) {
			t.Errorf("got %v, want a throttled read", err)
		}
		if err := get("another", 0); err != nil {
			t.Errorf("another partition: %v", err)
		}
	})
}
