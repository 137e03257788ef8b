package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// system is a deployed stack with clients of its parts.
type system struct {
	*local.Stack
	*observe.System

	downstream *inbox // everything that is published, by execution
	live       *inbox // what is published and no replay, by execution
	premium    *inbox // the workflow's side effect, by listing
}

// newSystem holds every answer that the API gives to the tests against docs/openapi.yaml. Nobody pays for its calls: they are
// made often.
func newSystem(s *local.Stack) (*system, error) {
	watch, err := watched(s)
	if err != nil {
		return nil, err
	}
	parts, err := s.System()
	if err != nil {
		return nil, err
	}
	cfg := s.Config()
	parts.API, err = client.New(client.Config{
		BaseURL: s.APIURL, Region: cfg.Region, Credentials: cfg.Credentials, Transport: watch,
		Sleep: func(ctx context.Context, d time.Duration) error {
			return smithytime.SleepWithContext(ctx, min(d, pollEvery))
		},
	})
	if err != nil {
		return nil, err
	}
	y := &system{Stack: s, System: parts}
	byExecution := func(m letter) string { return m.attributes["execution"] }
	y.downstream = newInbox(y.Queues, s.DownstreamQueueURL, byExecution)
	y.live = newInbox(y.Queues, s.DownstreamLiveQueueURL, byExecution)
	y.premium = newInbox(y.Queues, s.PremiumQueueURL, func(m letter) string {
		var e struct{ Listing struct{ ID string } }
		_ = json.Unmarshal([]byte(m.body), &e) // a letter without an id is nobody's
		return e.Listing.ID
	})
	return y, nil
}

// fresh makes a name that no other test and no other run uses.
func fresh(name string) string { return name + "-" + strings.ToLower(rand.Text()[:8]) }

const (
	pollEvery = 200 * time.Millisecond
	patience  = 2 * time.Minute // for anything that does not wait for a schedule
)

// eventually asks until the answer is yes. Errors end the test.
func eventually(t *testing.T, limit time.Duration, what string, ask func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		ok, err := ask(ctx)
		if ctx.Err() != nil {
			t.Fatalf("waited %s, and this has not happened: %s", limit, what)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if ok {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// ingest starts an execution with an event, as a producer does, and returns its name.
func (y *system) ingest(t *testing.T, event string) string {
	t.Helper()
	name := fresh("live")
	y.start(t, name, event)
	return name
}

func (y *system) start(t *testing.T, name, input string) {
	t.Helper()
	if err := y.StartExecution(t.Context(), name, input); err != nil {
		t.Fatal(err)
	}
}

// ingestAll ingests events of different listings at once, and waits until all have succeeded.
func (y *system) ingestAll(t *testing.T, listings ...listing) {
	t.Helper()
	var executions []string
	for _, l := range listings {
		executions = append(executions, y.ingest(t, l.json()))
	}
	for _, execution := range executions {
		y.succeeded(t, execution)
	}
}

// describe returns what Step Functions knows about an execution, nil if it knows none.
func (y *system) describe(t *testing.T, execution string) *sfn.DescribeExecutionOutput {
	t.Helper()
	out, err := y.Describe(t.Context(), execution)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ended waits until an execution has ended with a status and the tracker has settled its row, if it has one.
func (y *system) ended(t *testing.T, execution string, want sfntypes.ExecutionStatus) *sfn.DescribeExecutionOutput {
	t.Helper()
	var out *sfn.DescribeExecutionOutput
	eventually(t, patience, execution+" ends", func(context.Context) (bool, error) {
		out = y.describe(t, execution)
		return out != nil && out.Status != sfntypes.ExecutionStatusRunning, nil
	})
	if out.Status != want {
		t.Fatalf("execution %s: got %s (%s: %s), want %s", execution, out.Status, aws.ToString(out.Error), aws.ToString(out.Cause), want)
	}
	eventually(t, patience, execution+" is settled", func(ctx context.Context) (bool, error) {
		row, err := y.Book.Executions.Get(ctx, execution)
		if errors.Is(err, ledger.ErrNotFound) {
			return want == sfntypes.ExecutionStatusFailed, nil // failed before it had one
		}
		return !row.StoppedAt.IsZero(), err
	})
	return out
}

func (y *system) succeeded(t *testing.T, execution string) *sfn.DescribeExecutionOutput {
	t.Helper()
	return y.ended(t, execution, sfntypes.ExecutionStatusSucceeded)
}

// failed waits until an execution has failed with an error.
func (y *system) failed(t *testing.T, execution, name string) *sfn.DescribeExecutionOutput {
	t.Helper()
	out := y.ended(t, execution, sfntypes.ExecutionStatusFailed)
	if got := aws.ToString(out.Error); got != name {
		t.Fatalf("execution %s failed with %s (%s), want %s", execution, got, aws.ToString(out.Cause), name)
	}
	return out
}

func (y *system) row(t *testing.T, execution string) domain.Execution {
	t.Helper()
	row, err := y.Book.Executions.Get(t.Context(), execution)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// history is everything that the ledger knows about a resource.
func (y *system) history(t *testing.T, resource string) domain.History {
	t.Helper()
	h, err := y.Book.Executions.History(t.Context(), resource, time.Unix(0, 0), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// object reads an object of the event log's bucket.
func (y *system) object(t *testing.T, key string) (body string, metadata map[string]string) {
	t.Helper()
	out, err := y.Bucket.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &y.EventLogBucket, Key: &key})
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	defer func() { _ = out.Body.Close() }() // read to its end
	b, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), out.Metadata
}
