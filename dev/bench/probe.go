package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// probe times calls of the emulator by themselves, while nothing else runs: where they grow with what the emulator holds,
// so does everything that makes them.
func (d *deployed) probe(ctx context.Context, listing string) (map[string]float64, error) {
	bucket, table := s3.NewFromConfig(d.Config()), dynamodb.NewFromConfig(d.Config())
	key := schema.EventsPrefix + listing
	execution := map[string]types.AttributeValue{
		schema.PartitionKey: &types.AttributeValueMemberS{Value: "X#sale-" + listing}, schema.SortKey: &types.AttributeValueMemberS{Value: "X"},
	}
	took := map[string]float64{}
	for call, do := range map[string]func() error{
		"ListObjectVersions of one key": func() error {
			_, err := bucket.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &d.EventLogBucket, Prefix: &key, MaxKeys: aws.Int32(10)})
			return err
		},
		"HeadObject": func() error {
			_, err := bucket.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &d.EventLogBucket, Key: &key})
			return err
		},
		"GetItem": func() error {
			_, err := table.GetItem(ctx, &dynamodb.GetItemInput{TableName: &d.LedgerTable, Key: execution})
			return err
		},
		"Query of an index for one resource": func() error {
			_, err := table.Query(ctx, &dynamodb.QueryInput{
				TableName: &d.LedgerTable, IndexName: &schema.ByResource.Name, KeyConditionExpression: aws.String("#p = :p"),
				ExpressionAttributeNames:  map[string]string{"#p": schema.ByResource.PartitionKey},
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "R#" + listing}},
			})
			return err
		},
	} {
		var ms []float64
		for range 15 {
			began := time.Now()
			if err := do(); err != nil {
				return nil, fmt.Errorf("probe %s: %w", call, err)
			}
			ms = append(ms, float64(time.Since(began))/1e6)
		}
		took[call] = median(ms)
	}
	return took, nil
}
