package smoke

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

func tlsOnly(ctx context.Context, e *env) (string, error) {
	bucket := e.EventLogBucket
	ask := func(options ...func(*s3.Options)) error {
		_, err := e.Bucket.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, MaxKeys: aws.Int32(1)}, options...)
		return err
	}
	if err := ask(); err != nil {
		return "", fmt.Errorf("with TLS: %w", err)
	}
	err := ask(func(o *s3.Options) { o.EndpointOptions.DisableHTTPS = true })
	if err == nil {
		return "", errors.New("the bucket answered a request without TLS")
	}
	if !errs.HasCode(err, "AccessDenied") {
		return "", fmt.Errorf("without TLS: got %w, want AccessDenied", err)
	}
	return "AccessDenied without TLS", nil
}

// lease polls until no run of auto-replay holds the lease. If a run cannot release it, it remains until it expires, and
// by then the next run holds it.
func lease(ctx context.Context, e *env) (string, error) {
	if err := e.nudge(ctx); err != nil {
		return "", err
	}
	if !e.Emulator { // see at least one run of a schedule of a minute
		if err := smithytime.SleepWithContext(ctx, 70*time.Second); err != nil {
			return "", err
		}
	}
	return "the lease is free between runs", eventually(ctx, "the lease of auto-replay is free", func() (bool, error) {
		out, err := e.Table.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &e.LedgerTable, ConsistentRead: aws.Bool(true),
			Key: row("L#auto-replay", "L"),
		})
		return err == nil && len(out.Item) == 0, err
	})
}

func row(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		schema.PartitionKey: &types.AttributeValueMemberS{Value: pk},
		schema.SortKey:      &types.AttributeValueMemberS{Value: sk},
	}
}

// hops is the number of pages of the recursion check's replay. Lambda stops other loops after 16.
const hops = 20

// recursion replays an owner of many resources that are not in the event log. Each page costs a hop through the queue,
// and no item starts an execution. The owner's rows are written to the ledger directly and deleted afterwards.
func recursion(ctx context.Context, e *env) (detail string, err error) {
	_, owner := e.resource("recursion")
	ids := make([]string, hops*ledger.MaxPageItems)
	for i := range ids {
		ids[i] = fmt.Sprintf("smoke-%s-unknown-%05d", e.id, i)
	}
	defer func() {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, e.forgetOwner(undo, owner))
	}()
	var group errgroup.Group
	group.SetLimit(20)
	for _, id := range ids {
		group.Go(func() error { return e.Book.Owners.Note(ctx, owner, id, domain.At(time.Now())) })
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	_, err = e.replay(ctx, replay.Request{
		Action: replay.Rerun, Versions: replay.Versions{Mode: replay.LatestVersion}, Reason: "smoke check of recursion",
		Select: replay.Select{OwnerID: owner},
	}, replay.Counts{Matched: len(ids), Skipped: len(ids)})
	return fmt.Sprintf("%d resources in %d pages or more", len(ids), hops), err
}

// forgetOwner deletes the rows of an owner.
func (e *env) forgetOwner(ctx context.Context, owner string) error {
	var faults []error
	for shard := range ledger.Shards {
		pages := dynamodb.NewQueryPaginator(e.Table, &dynamodb.QueryInput{
			TableName:                 &e.LedgerTable,
			KeyConditionExpression:    aws.String(schema.PartitionKey + " = :p"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: fmt.Sprintf("O#%s#%d", owner, shard)}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				faults = append(faults, fmt.Errorf("find rows of %s: %w", owner, err))
				break
			}
			faults = append(faults, e.deleteRows(ctx, page.Items))
		}
	}
	return errors.Join(faults...)
}

func (e *env) deleteRows(ctx context.Context, rows []map[string]types.AttributeValue) error {
	var group errgroup.Group
	group.SetLimit(20)
	for _, r := range rows {
		group.Go(func() error {
			_, err := e.Table.DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: &e.LedgerTable,
				Key: map[string]types.AttributeValue{
					schema.PartitionKey: r[schema.PartitionKey], schema.SortKey: r[schema.SortKey],
				},
			})
			return err
		})
	}
	return group.Wait()
}

// Table prints results in columns.
func Table(results []Result) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%-8s %-27s %6.1fs  %s\n", r.Outcome, r.Name, r.Took.Seconds(), r.Detail)
	}
	return b.String()
}
