package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

func startWithQuotas(t *testing.T, quotas emulator.Quotas, transaction time.Duration) (cfg, observer aws.Config) {
	t.Helper()
	tools, err := toolchain.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	e, err := emulator.Start(t.Context(), emulator.Options{
		Tools: tools, Dir: t.TempDir(), LogDir: t.TempDir(), Quotas: quotas, TransactionTime: transaction,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	cfg = e.Config()
	cfg.RetryMaxAttempts = 1
	return cfg, e.ObserverConfig()
}

func TestUnknownQuotasAreRefused(t *testing.T) {
	_, err := emulator.Start(t.Context(), emulator.Options{Quotas: "huge"})
	if err == nil || !strings.Contains(err.Error(), `"huge"`) {
		t.Errorf("got %v, want it to name the quotas", err)
	}
}

func TestCallsOverTheirQuotaAreRefused(t *testing.T) {
	cfg, observer := startWithQuotas(t, emulator.OtherRegionQuotas, 0)
	client := sfn.NewFromConfig(cfg)
	machine := newMachine(t, client, "quotas", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`)
	calls := 0
	for ; calls < 2000; calls++ {
		_, err := client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: machine})
		if code(err) == "ThrottlingException" {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// A bucket of 200, which refills 5 a second meanwhile.
	if calls < 200 || calls > 300 {
		t.Errorf("got %d calls before one was refused, want about 200", calls)
	}
	for range 50 {
		in := &sfn.ListExecutionsInput{StateMachineArn: machine}
		if _, err := sfn.NewFromConfig(observer).ListExecutions(t.Context(), in); err != nil {
			t.Fatalf("got %v for who only watches, want nil", err)
		}
	}
}

func TestTransitionsOverTheirQuotaAreDelayed(t *testing.T) {
	cfg, _ := startWithQuotas(t, emulator.OtherRegionQuotas, 0)
	client := sfn.NewFromConfig(cfg)
	machine := newMachine(t, client, "transitions", `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{
		"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}},"ResultPath":null,"End":true}}}`)
	began := time.Now()
	out := execute(t, client, *machine, "["+strings.Repeat("0,", 1799)+"0]")
	// 1,801 states: 800 at once and the others at 500 a second.
	if took := out.StopDate.Sub(*out.StartDate); took < 1900*time.Millisecond || time.Since(began) > 15*time.Second {
		t.Errorf("got %s after %s, want it delayed for 2 s", out.Status, took)
	}
}

func newTable(t *testing.T, client *dynamodb.Client) *string {
	t.Helper()
	name := aws.String("table")
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: name, BillingMode: dynamodbtypes.BillingModeProvisioned,
		ProvisionedThroughput: &dynamodbtypes.ProvisionedThroughput{
			ReadCapacityUnits: aws.Int64(40_000), WriteCapacityUnits: aws.Int64(40_000),
		},
		KeySchema: []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamodbtypes.KeyTypeHash}},
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: dynamodbtypes.ScalarAttributeTypeS},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func item(id, filling string) map[string]dynamodbtypes.AttributeValue {
	return map[string]dynamodbtypes.AttributeValue{
		"id": &dynamodbtypes.AttributeValueMemberS{Value: id}, "v": &dynamodbtypes.AttributeValueMemberS{Value: filling},
	}
}

func TestOverlappingTransactionsConflict(t *testing.T) {
	cfg, _ := startWithQuotas(t, emulator.LargeRegionQuotas, 2*time.Second)
	client := dynamodb.NewFromConfig(cfg)
	table := newTable(t, client)
	transact := func(ctx context.Context, ids ...string) error {
		in := &dynamodb.TransactWriteItemsInput{}
		for _, id := range ids {
			in.TransactItems = append(in.TransactItems, dynamodbtypes.TransactWriteItem{
				Put: &dynamodbtypes.Put{TableName: table, Item: item(id, "")},
			})
		}
		_, err := client.TransactWriteItems(ctx, in)
		return err
	}
	var (
		group sync.WaitGroup
		errs  [2]error
	)
	for i := range errs {
		group.Go(func() { errs[i] = transact(t.Context(), fmt.Sprintf("own-%d", i), "shared") })
	}
	<-time.After(time.Second) // both have started, neither has ended
	_, write := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item("shared", "")})
	_, other := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item("other", "")})
	group.Wait()
	if code(write) != "TransactionConflictException" || other != nil {
		t.Errorf("got %v for the shared item and %v for another, want TransactionConflictException and nil", write, other)
	}
	var cancelled *dynamodbtypes.TransactionCanceledException
	if !errors.As(errors.Join(errs[:]...), &cancelled) || errs[0] != nil && errs[1] != nil {
		t.Fatalf("got %v, want one of the two cancelled", errs)
	}
	var reasons []string
	for _, r := range cancelled.CancellationReasons {
		reasons = append(reasons, aws.ToString(r.Code))
	}
	if got := strings.Join(reasons, " "); got != "None TransactionConflict" {
		t.Errorf("got reasons %s, want None TransactionConflict", got)
	}
	if err := transact(t.Context(), "shared"); err != nil {
		t.Errorf("got %v after the transactions, want nil", err)
	}
}

func TestAnItemTakesAThousandUnitsASecond(t *testing.T) {
	cfg, _ := startWithQuotas(t, emulator.LargeRegionQuotas, 0)
	client := dynamodb.NewFromConfig(cfg)
	table := newTable(t, client)
	filling := strings.Repeat("x", 390<<10) // about 390 units
	put := func(id string) (writes int, err error) {
		for ; err == nil && writes < 100; writes++ {
			_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item(id, filling)})
		}
		return writes - 1, err
	}
	if writes, err := put("hot"); code(err) != "ProvisionedThroughputExceededException" || writes < 3 || writes > 30 {
		t.Errorf("got %v after %d writes, want about 3", err, writes)
	}
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item("cold", "")})
	if err != nil {
		t.Errorf("got %v for another item, want nil", err)
	}
	batch, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]dynamodbtypes.WriteRequest{*table: {
			{PutRequest: &dynamodbtypes.PutRequest{Item: item("hot", "")}},
			{PutRequest: &dynamodbtypes.PutRequest{Item: item("cold", "")}},
		}},
	})
	if err != nil || len(batch.UnprocessedItems[*table]) > 1 {
		t.Errorf("got %+v, %v, want at most the hot item left", batch, err)
	}
	var reads int
	for err = nil; err == nil && reads < 2000; reads++ {
		_, err = client.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: table, ConsistentRead: aws.Bool(true),
			Key: map[string]dynamodbtypes.AttributeValue{"id": item("hot", "")["id"]},
		})
	}
	if code(err) != "ProvisionedThroughputExceededException" || reads < 30 {
		t.Errorf("got %v after %d reads of 98 units, want ProvisionedThroughputExceededException after about 30", err, reads)
	}
}
