package emulator_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// After any writes, moves and deletes, an index has the rows that a scan finds.
func TestAnIndexHasWhatAScanFinds(t *testing.T) {
	client := dynamodb.NewFromConfig(start(t).Config())
	table := aws.String("table")
	text := func(name string) dynamodbtypes.AttributeDefinition {
		return dynamodbtypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamodbtypes.ScalarAttributeTypeS}
	}
	keys := func(hash, sort string) []dynamodbtypes.KeySchemaElement {
		return []dynamodbtypes.KeySchemaElement{
			{AttributeName: &hash, KeyType: dynamodbtypes.KeyTypeHash}, {AttributeName: &sort, KeyType: dynamodbtypes.KeyTypeRange},
		}
	}
	if _, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: table, BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{text("pk"), text("sk"), text("owner"), text("at")}, KeySchema: keys("pk", "sk"),
		GlobalSecondaryIndexes: []dynamodbtypes.GlobalSecondaryIndex{{
			IndexName: aws.String("byOwner"), KeySchema: keys("owner", "at"),
			Projection: &dynamodbtypes.Projection{ProjectionType: dynamodbtypes.ProjectionTypeAll},
		}},
	}); err != nil {
		t.Fatal(err)
	}
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a test that repeats
	one := func(of string, n int) dynamodbtypes.AttributeValue {
		return &dynamodbtypes.AttributeValueMemberS{Value: fmt.Sprint(of, random.IntN(n))}
	}
	write := func() error {
		key := map[string]dynamodbtypes.AttributeValue{"pk": one("p", 5), "sk": one("s", 5)}
		owner := map[string]dynamodbtypes.AttributeValue{":owner": one("o", 3), ":at": one("a", 9)}
		names := map[string]string{"#owner": "owner", "#at": "at"}
		set, remove := aws.String("SET #owner = :owner, #at = :at"), aws.String("REMOVE #owner")
		var err error
		switch random.IntN(9) {
		case 0:
			key["owner"], key["at"] = owner[":owner"], owner[":at"]
			_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: key})
		case 1:
			_, err = client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: table, Key: key, UpdateExpression: set, ExpressionAttributeValues: owner, ExpressionAttributeNames: names,
			})
		case 2:
			_, err = client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: table, Key: key, UpdateExpression: remove, ExpressionAttributeNames: map[string]string{"#owner": "owner"},
			})
		case 3:
			_, err = client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: key})
		case 4:
			_, err = client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []dynamodbtypes.TransactWriteItem{
				{Update: &dynamodbtypes.Update{TableName: table, Key: key, UpdateExpression: set, ExpressionAttributeValues: owner, ExpressionAttributeNames: names}},
				{Delete: &dynamodbtypes.Delete{TableName: table, Key: map[string]dynamodbtypes.AttributeValue{"pk": one("q", 5), "sk": one("s", 5)}}},
			}})
		case 5:
			key["owner"], key["at"] = owner[":owner"], owner[":at"]
			_, err = client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dynamodbtypes.WriteRequest{
				*table: {{PutRequest: &dynamodbtypes.PutRequest{Item: key}}},
			}})
		case 6:
			_, err = client.ExecuteStatement(t.Context(), &dynamodb.ExecuteStatementInput{
				Statement:  aws.String(`UPDATE "table" SET "owner" = ? WHERE "pk" = ? AND "sk" = ?`),
				Parameters: []dynamodbtypes.AttributeValue{owner[":owner"], key["pk"], key["sk"]},
			})
			var missing *dynamodbtypes.ConditionalCheckFailedException
			if errors.As(err, &missing) { // the item does not exist
				err = nil
			}
		case 7:
			_, err = client.CreateBackup(t.Context(), &dynamodb.CreateBackupInput{TableName: table, BackupName: aws.String("backup")})
		case 8:
			_, err = client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dynamodbtypes.WriteRequest{
				*table: {{DeleteRequest: &dynamodbtypes.DeleteRequest{Key: key}}},
			}})
		}
		return err
	}
	for range 60 {
		for range 5 {
			if err := write(); err != nil {
				t.Fatal(err)
			}
		}
		all, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: table})
		if err != nil {
			t.Fatal(err)
		}
		for o := range 3 {
			owner := &dynamodbtypes.AttributeValueMemberS{Value: fmt.Sprint("o", o)}
			var want []string
			for _, item := range all.Items {
				if item["at"] != nil && value(item["owner"]) == owner.Value {
					want = append(want, named(item, "at", "pk", "sk"))
				}
			}
			slices.Sort(want)
			var got []string
			pages := dynamodb.NewQueryPaginator(client, &dynamodb.QueryInput{
				TableName: table, IndexName: aws.String("byOwner"), KeyConditionExpression: aws.String("#owner = :owner"), Limit: aws.Int32(4),
				ExpressionAttributeNames:  map[string]string{"#owner": "owner"},
				ExpressionAttributeValues: map[string]dynamodbtypes.AttributeValue{":owner": owner},
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range page.Items {
					got = append(got, named(item, "at", "pk", "sk"))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: the index has %v, want %v", owner.Value, got, want)
			}
		}
	}
}

func value(v dynamodbtypes.AttributeValue) string {
	if s, ok := v.(*dynamodbtypes.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func named(item map[string]dynamodbtypes.AttributeValue, names ...string) string {
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = value(item[name])
	}
	return strings.Join(values, " ")
}

// After any puts and deletes, the list of a prefix is the part of the whole list that starts with the prefix.
func TestVersionsOfAPrefixAreThoseOfAllThatStartWithIt(t *testing.T) {
	client := s3.NewFromConfig(start(t).Config(), func(o *s3.Options) { o.UsePathStyle = true })
	for _, bucket := range []*string{aws.String("before"), aws.String("events"), aws.String("more")} {
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
			t.Fatal(err)
		}
	}
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a test that repeats
	key := func() *string {
		return aws.String(fmt.Sprint("events/", random.IntN(3), strings.Repeat("x", random.IntN(3))))
	}
	put := func(bucket, key *string) {
		t.Helper()
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	bucket := aws.String("events")
	for range 4 {
		put(bucket, key()) // has no version
	}
	if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		put(aws.String("before"), key())
		put(bucket, key())
		put(bucket, key())
		put(aws.String("more"), key())
		if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: key()}); err != nil {
			t.Fatal(err)
		}
		all := versions(t, client, bucket, "")
		if one := strings.Fields(all[random.IntN(len(all))]); random.IntN(2) == 0 {
			if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: &one[0], VersionId: &one[1]}); err != nil {
				t.Fatal(err)
			}
			all = versions(t, client, bucket, "")
		}
		for _, prefix := range []string{"events/", "events/0", "events/1x", "events/2xx", "events/3", "f"} {
			want := slices.DeleteFunc(slices.Clone(all), func(v string) bool { return !strings.HasPrefix(v, prefix) })
			if got := versions(t, client, bucket, prefix); !slices.Equal(got, want) {
				t.Fatalf("%s: got\n%s\nwant\n%s", prefix, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

// versions lists in S3's order, first versions and then delete markers.
func versions(t *testing.T, client *s3.Client, bucket *string, prefix string) []string {
	t.Helper()
	var all, markers []string
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: &prefix, MaxKeys: aws.Int32(7)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			all = append(all, fmt.Sprintf("%s %s %t", aws.ToString(v.Key), aws.ToString(v.VersionId), aws.ToBool(v.IsLatest)))
		}
		for _, m := range page.DeleteMarkers {
			markers = append(markers, fmt.Sprintf("%s %s %t deleted", aws.ToString(m.Key), aws.ToString(m.VersionId), aws.ToBool(m.IsLatest)))
		}
	}
	return append(all, markers...)
}
