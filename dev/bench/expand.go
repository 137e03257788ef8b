package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/dev/bench/process"
	"github.com/ce873799/replayable-ingestion/dev/bench/system"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// endless is a bucket that generates its list of resources as it is read.
type endless struct {
	*awstest.Bucket
	resources int
}

const endlessKey = "events/listing-"

// ListObjectsV2 is S3's.
func (b *endless) ListObjectsV2(
	_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options),
) (*s3.ListObjectsV2Output, error) {
	from := 0
	if after, ok := strings.CutPrefix(aws.ToString(in.StartAfter), endlessKey); ok {
		if _, err := fmt.Sscanf(after, "%d", &from); err != nil {
			return nil, fmt.Errorf("list after %q: %w", after, err)
		}
		from++
	}
	to := min(from+int(aws.ToInt32(in.MaxKeys)), b.resources)
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(to < b.resources)}
	for i := from; i < to; i++ {
		out.Contents = append(out.Contents, types.Object{Key: aws.String(fmt.Sprintf("%s%09d", endlessKey, i))})
	}
	return out, nil
}

// pages is a table that keeps the rows of a replay and its pages, and drops those of items, which are not read here.
type pages struct {
	*awstest.Table
	items int
}

// TransactWriteItems is DynamoDB's. The first two rows are the page and the replay.
func (t *pages) TransactWriteItems(
	ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options),
) (*dynamodb.TransactWriteItemsOutput, error) {
	t.items += len(in.TransactItems) - 2
	in.TransactItems = in.TransactItems[:2]
	return t.Table.TransactWriteItems(ctx, in, opts...)
}

// expand measures the memory that the listener's own program takes to expand a small and a large selection.
func (r *run) expand(ctx context.Context) ([]Row, error) {
	programs, err := r.functions(ctx)
	if err != nil {
		return nil, err
	}
	var peaks [2]float64 // MB
	for i, n := range r.Sizes.Resources {
		began := time.Now()
		peak, err := expansion(ctx, programs["ReplayListener"].argv, n)
		if err != nil {
			return nil, err
		}
		peaks[i] = float64(peak) / 1e6
		r.say("%s resources: %.1f MB at most, in %s", number(float64(n)), peaks[i], time.Since(began).Round(time.Second))
	}
	small, large := number(float64(r.Sizes.Resources[0])), number(float64(r.Sizes.Resources[1]))
	const figure = "Expansion: memory of the listener, "
	return []Row{
		list(figure+small+" resources", peaks[0], "MB"),
		list(figure+large+" resources", peaks[1], "MB"),
		most(figure+large+" resources against "+small, peaks[1]/peaks[0], ratio, 1.2),
	}, nil
}

// expansion lets the listener's program expand a selection of n resources. It returns its peak memory in bytes.
func expansion(ctx context.Context, argv []string, n int) (peak int64, err error) {
	table := &pages{Table: awstest.NewTable()}
	c := cloud.Start(cloud.Options{Table: table, Bucket: &endless{awstest.NewBucket(), n}})
	defer c.Stop()
	c.Replays.Now = nil // does not wait for delays
	s, err := system.New(c)
	if err != nil {
		return 0, err
	}
	if _, err := s.Ask(ctx, everything); err != nil {
		return 0, err
	}
	cfg := simtest.ListenerConfig(system.Config())
	cfg.StartsPerSecond = 1e6 // the pace must not limit the measurement
	env := config.Telemetry{Ingestion: "Stack/Ingestion"}.Env()
	maps.Copy(env, cfg.Env())
	env["AWS_ENDPOINT_URL"] = c.URL()
	p, err := process.Start(ctx, argv, env)
	if err != nil {
		return 0, err
	}
	defer p.Stop()
	queued := 0
	for {
		messages := c.Replays.Take(1000)
		if len(messages) == 0 {
			break
		}
		for _, m := range messages {
			if msg, err := protocol.DecodeReplayMessage(m.Body); err != nil || msg.Kind != protocol.KindExpand {
				queued++
				continue
			}
			event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: m.ID, Body: m.Body}}})
			if err != nil {
				return 0, fmt.Errorf("encode event: %w", err)
			}
			answer, err := p.Invoke(ctx, event)
			if err != nil {
				return 0, err
			}
			if strings.Contains(string(answer), m.ID) {
				return 0, fmt.Errorf("listener: page %s: %w", m.Body, simtest.ErrRefused)
			}
		}
	}
	if queued != n || table.items != n {
		return 0, fmt.Errorf("%d resources became %d items and %d messages: %w", n, table.items, queued, simtest.ErrRefused)
	}
	return p.PeakMemory()
}
