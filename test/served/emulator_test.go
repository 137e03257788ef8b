// Package served_test holds the table and the bucket in memory, which most tests use, against served ones.
package served_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// start starts an emulator for a test and everything below it.
func start(t *testing.T) aws.Config {
	t.Helper()
	tools, err := toolchain.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	e, err := emulator.Start(t.Context(), emulator.Options{Tools: tools, Dir: t.TempDir(), LogDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e.Config()
}

// table creates the ledger's table as the construct does, and returns a client.
func table(t *testing.T, cfg aws.Config) *dynamodb.Client {
	t.Helper()
	client := dynamodb.NewFromConfig(cfg)
	in := &dynamodb.CreateTableInput{
		TableName: aws.String(awstest.TableName), BillingMode: types.BillingModePayPerRequest,
		KeySchema: keySchema(schema.PartitionKey, schema.SortKey),
	}
	attribute(in, schema.PartitionKey, schema.SortKey)
	for _, index := range schema.Indexes() {
		attribute(in, index.PartitionKey, index.SortKey)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index.Name), KeySchema: keySchema(index.PartitionKey, index.SortKey),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
	}
	if _, err := client.CreateTable(t.Context(), in); err != nil {
		t.Fatal(fmt.Errorf("create table: %w", err))
	}
	return client
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange},
	}
}

func attribute(in *dynamodb.CreateTableInput, names ...string) {
	for _, n := range names {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(n), AttributeType: types.ScalarAttributeTypeS,
		})
	}
}

// bucket creates the versioned bucket and returns a client.
func bucket(t *testing.T, cfg aws.Config) *s3.Client {
	t.Helper()
	client := s3.NewFromConfig(cfg)
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(awstest.BucketName)}); err != nil {
		t.Fatal(fmt.Errorf("create bucket: %w", err))
	}
	_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(awstest.BucketName),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(fmt.Errorf("turn versioning on: %w", err))
	}
	return client
}
