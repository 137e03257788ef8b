package chaos

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/replay"
)

const (
	lanes = 12                    // producers
	pace  = 80 * time.Millisecond // between two events of all producers together
)

// ingest starts an execution for each event. Events of one resource keep their order.
func (r *run) ingest(ctx context.Context, events []event) error {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	queues := make([]chan event, lanes)
	group, gctx := errgroup.WithContext(ctx)
	for i := range queues {
		queues[i] = make(chan event, len(events))
		group.Go(func() error {
			for e := range queues[i] {
				if err := r.send(gctx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer func() {
			for _, q := range queues {
				close(q)
			}
		}()
		for _, e := range events {
			select {
			case <-ticker.C:
			case <-gctx.Done():
				return gctx.Err()
			}
			h := fnv.New32a()
			_, _ = h.Write([]byte(e.resource)) // never fails
			queues[h.Sum32()%lanes] <- e
		}
		return nil
	})
	return group.Wait()
}

// send starts an event's execution, twice if its producer does not know whether the first time worked.
func (r *run) send(ctx context.Context, e event) error {
	r.note(e)
	if err := r.StartExecution(ctx, e.name, e.raw); err != nil {
		return err
	}
	if e.twice {
		r.counters.add("event sent twice by its producer", 1)
		if err := r.StartExecution(ctx, e.name, e.raw); err != nil {
			return err
		}
	}
	if e.unkept {
		r.counters.add("event that S3 refused to keep", 1)
	}
	if e.remove {
		r.behind(func() { r.remove(ctx, e.resource) })
	}
	if e.abort {
		r.counters.add("execution aborted by an operator", 1)
		arn := r.ExecutionARN(e.name)
		_, err := r.Machine.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: &arn})
		if err != nil {
			return fmt.Errorf("stop execution %s: %w", e.name, err)
		}
	}
	return nil
}

const (
	removeAfter = 500 * time.Millisecond
	removeTries = 20 // until the object is there
)

// remove deletes the object of a resource, as its owner may demand. Its versions stay.
func (r *run) remove(ctx context.Context, resource string) {
	key, err := replay.EventKey(resource)
	for range removeTries {
		if err != nil || smithytime.SleepWithContext(ctx, removeAfter) != nil {
			return
		}
		if _, there := r.Bucket.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &r.stack.EventLogBucket, Key: &key}); there == nil {
			break
		}
	}
	if _, err = r.Bucket.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &r.stack.EventLogBucket, Key: &key}); err != nil {
		return
	}
	r.counters.add("object of a resource deleted", 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deleted[resource] = time.Now()
}

// unkept tells the requests that would keep events which S3 refuses, by the execution that their metadata names.
func unkept(events []event) func(*http.Request) bool {
	refused := map[string]bool{}
	for _, e := range events {
		if e.unkept {
			refused[e.name] = true
		}
	}
	return func(r *http.Request) bool { return refused[r.Header.Get("x-amz-meta-execution")] }
}

func (r *run) note(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[e.name] = Sent{Resource: e.resource, Owner: e.owner}
}
