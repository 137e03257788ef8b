package bench

import (
	"context"
	"encoding/json"
	"fmt"
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
	"github.com/ce873799/replayable-ingestion/dev/memory"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/message"
)

// endless is a bucket whose list of resources is made up as it is read.
type endless struct {
	*memory.Bucket
	resources int
}

const endlessKey = "events/listing-"

// ListObjectsV2 is S3's.
func (b *endless) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
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

// pages is a table that keeps the rows of a replay and its pages, and drops those of the items, which nobody reads here.
type pages struct {
	*memory.Table
	items int
}

// TransactWriteItems is DynamoDB's. The first two rows are the page and the replay.
func (t *pages) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	t.items += len(in.TransactItems) - 2
	in.TransactItems = in.TransactItems[:2]
	return t.Table.TransactWriteItems(ctx, in, opts...)
}

// expanded is what an expansion took.
type expanded struct {
	memory int64 // of the listener's process, at most
	calls  float64
	took   time.Duration
}

// expand lets the listener's own program expand selections of several sizes.
func (r *run) expand(ctx context.Context) ([]Row, error) {
	programs, err := r.functions(ctx)
	if err != nil {
		return nil, err
	}
	var done []expanded
	for _, n := range r.Sizes.Resources {
		e, err := r.expansion(ctx, programs["ReplayListener"], n)
		if err != nil {
			return nil, err
		}
		r.say("%s resources: %.1f MB at most, %.4f calls and %s each", number(float64(n)), float64(e.memory)/1e6, e.calls, e.took)
		done = append(done, e)
	}
	small, large := done[0], done[len(done)-1]
	sizes := fmt.Sprintf("%s resources against %s", number(float64(r.Sizes.Resources[2])), number(float64(r.Sizes.Resources[0])))
	return []Row{
		most("Expansion: memory of the listener, "+sizes, float64(large.memory)/float64(small.memory), ratio, 1.2),
		most("Expansion: calls per resource, "+sizes, large.calls/small.calls, ratio, 1.02),
		list("Expansion: memory of the listener at most", float64(large.memory)/1e6, "MB"),
		list("Expansion: calls per 1,000 resources", 1000*large.calls, "calls"),
	}, nil
}

func (r *run) expansion(ctx context.Context, program string, n int) (e expanded, err error) {
	table := &pages{Table: memory.NewTable()}
	c := cloud.Start(cloud.Options{Table: table, Bucket: &endless{memory.NewBucket(), n}})
	defer c.Stop()
	s, err := system.New(system.Options{Cloud: c})
	if err != nil {
		return e, err
	}
	if _, err := s.Ask(ctx, everything); err != nil {
		return e, err
	}
	env := config.ReplayListener{EventLogBucket: cloud.Bucket, LedgerTable: cloud.Table, StateMachineARN: cloud.Machine,
		SeriesMachineARN: cloud.SeriesMachine, ReplayQueueURL: c.ReplaysURL(), TopicARN: cloud.Topic,
		ResourceIDPath: system.ResourceIDPath, MaxEventBytes: 256_000}.Env()
	env["AWS_ENDPOINT_URL"] = c.URL()
	p, err := process.Start(ctx, []string{program}, withTelemetry(env))
	if err != nil {
		return e, err
	}
	defer p.Stop()
	before, began, queued := calls(c), time.Now(), 0
	for {
		messages, _ := c.Replays.Take(1000)
		if len(messages) == 0 {
			break
		}
		for _, m := range messages {
			if msg, err := message.DecodeReplay(m.Body); err != nil || msg.Kind != message.KindExpand {
				queued++
				continue
			}
			event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: m.ID, Body: m.Body}}})
			if err != nil {
				return e, fmt.Errorf("encode event: %w", err)
			}
			answer, err := p.Invoke(ctx, event)
			if err != nil {
				return e, err
			}
			if strings.Contains(string(answer), m.ID) {
				return e, fmt.Errorf("the listener refused page %s: %w", m.Body, system.ErrRefused)
			}
		}
	}
	if queued != n || table.items != n {
		return e, fmt.Errorf("%d resources became %d items and %d messages: %w", n, table.items, queued, system.ErrRefused)
	}
	_, e.memory, err = p.Memory()
	e.calls, e.took = float64(calls(c)-before)/float64(n), time.Since(began)/time.Duration(n)
	return e, err
}

func calls(c *cloud.Cloud) (n int) {
	for _, k := range c.Calls() {
		n += k
	}
	return n
}
