package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/bridge"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// geocoder changes how the geocoder behaves, for every test. A test that breaks it repairs it. Functions cache a mode for a
// second, so the running ones are replaced by new ones, which read it again.
func (y *system) geocoder(t *testing.T, mode string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if err := y.SetGeocoder(ctx, mode); err != nil {
		t.Fatal(err)
	}
	if _, err := y.Host.Kill("Enrich"); err != nil {
		t.Fatal(err)
	}
}

// outage breaks the geocoder until it is mended or the test ends.
func (y *system) outage(t *testing.T, mode string) {
	t.Helper()
	t.Cleanup(func() { y.geocoder(t, observe.GeocoderOK) })
	y.geocoder(t, mode)
}

// runAutoReplay runs the job once, instead of waiting for its schedule. A run that meets another one does nothing.
func (y *system) runAutoReplay(ctx context.Context) error {
	summary, err := y.AutoReplay(ctx, y.Functions["AutoReplay"])
	if err == nil && summary.Errors > 0 {
		err = fmt.Errorf("auto-replay: %d errors", summary.Errors)
	}
	return err
}

func (y *system) autoReplay(t *testing.T) {
	t.Helper()
	if err := y.runAutoReplay(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// failure returns the failure of an execution, the zero value if the ledger has none.
func (y *system) failure(t *testing.T, execution string) domain.Failure {
	t.Helper()
	f, err := y.Book.Failures.Get(t.Context(), domain.FailureID(execution, 0))
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		t.Fatal(err)
	}
	return f
}

// decided runs auto-replay until a failure has a certain status. Another final status fails the test.
func (y *system) decided(t *testing.T, execution string, want domain.FailureStatus) domain.Failure {
	t.Helper()
	var f domain.Failure
	eventually(t, patience, "the failure of "+execution+" is "+string(want), func(context.Context) (bool, error) {
		if f = y.failure(t, execution); f.Status == want {
			return true, nil
		}
		if f.Status != "" && !f.Status.Open() {
			return false, fmt.Errorf("it is %s: %s", f.Status, f.Decision)
		}
		y.autoReplay(t)
		return false, nil
	})
	return f
}

// pause keeps auto-replay, scheduled or not, from running.
func (y *system) pause(t *testing.T, function string) (resume func()) {
	t.Helper()
	resume, err := y.Host.Pause(function)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(resume)
	return resume
}

// deadLetter waits for the dead letter of an execution, and leaves it and all others in the queue.
func (y *system) deadLetter(t *testing.T, execution string) string {
	t.Helper()
	body := ""
	eventually(t, patience, "the dead letter of "+execution, func(ctx context.Context) (bool, error) {
		out, err := y.Queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &y.DeadLetterQueueURL, MaxNumberOfMessages: 10, VisibilityTimeout: 30,
		})
		if err != nil {
			return false, err
		}
		for _, m := range out.Messages {
			if status, err := protocol.DecodeStatusMessage(aws.ToString(m.Body)); err == nil && status.Name == execution {
				body = aws.ToString(m.Body)
			}
			_, err := y.Queues.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &y.DeadLetterQueueURL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
			})
			if err != nil {
				return false, err
			}
		}
		return body != "", nil
	})
	return body
}

// ways are the statuses of a resource's executions, in order of start.
func ways(h domain.History) []string {
	var all []string
	for _, e := range slices.SortedFunc(slices.Values(h.Executions), func(a, b domain.Execution) int {
		return a.StartedAt.Compare(b.StartedAt.Time)
	}) {
		all = append(all, string(e.Mode)+" "+string(e.Status))
	}
	return all
}

// hurry has the schedule run every ten seconds until the test ends, and returns the expression that it was deployed with.
func (y *system) hurry(t *testing.T) (deployed string) {
	t.Helper()
	schedule := func(expression string) string {
		before, err := y.ScheduleAutoReplay(context.WithoutCancel(t.Context()), expression)
		if err != nil {
			t.Fatal(err)
		}
		return before
	}
	deployed = schedule("rate(10 seconds)")
	t.Cleanup(func() { schedule(deployed) })
	return deployed
}

// More failures with one error than the threshold of the stage, 50: they are held, probed one at a time while the
// geocoder is down, and heal step by step once it is back.
func TestAStormIsHeldAndProbed(t *testing.T) {
	const storm = 60
	sys.outage(t, observe.GeocoderUnavailable)
	owner := fresh("agency")
	var executions []string
	for range storm {
		executions = append(executions, sys.ingest(t, listing{id: fresh("storm"), owner: owner, price: costly}.json()))
	}
	for _, execution := range executions {
		sys.failed(t, execution, "GeocoderServiceUnavailable")
	}
	held := func() (n int) {
		for _, execution := range executions {
			if sys.failure(t, execution).Held {
				n++
			}
		}
		return n
	}
	eventually(t, patience, "the storm is held", func(context.Context) (bool, error) {
		sys.autoReplay(t)
		return held() >= storm-10, nil // some may have been replayed before there were more than 50
	})
	for range 3 {
		sys.autoReplay(t)
	}
	if n := held(); n < storm-20 {
		t.Errorf("%d of %d are held while the geocoder is down", n, storm)
	}
	sys.geocoder(t, observe.GeocoderOK)
	eventually(t, 2*patience, "the storm heals", func(context.Context) (bool, error) {
		sys.autoReplay(t)
		for _, execution := range executions {
			if f := sys.failure(t, execution); f.Status.Open() {
				return false, nil
			}
		}
		return true, nil
	})
	for _, execution := range executions {
		if f := sys.failure(t, execution); f.Status != domain.Healed && f.Status != domain.FailedAgain {
			t.Errorf("%s is %s: %s", execution, f.Status, f.Decision)
		}
		if n := len(sys.history(t, sys.row(t, execution).ResourceID).Executions); n > 1+maxAttempts {
			t.Errorf("%s: %d executions", execution, n)
		}
	}
}

// With EventBridge off, the schedule finds every end by itself.
func TestTheScheduleFindsEndsThatNobodyReports(t *testing.T) {
	sys.Bridge.SetMode(bridge.Drop)
	t.Cleanup(func() { sys.Bridge.SetMode(bridge.Deliver) })
	invalid := sys.ingest(t, listing{id: fresh("unreported"), owner: fresh("agency"), price: bad}.json())
	unrecorded := sys.ingest(t, `{"listing":{"priceUsd":1}}`)
	eventually(t, patience, "both executions end", func(context.Context) (bool, error) {
		a, b := sys.describe(t, invalid), sys.describe(t, unrecorded)
		return a != nil && b != nil && a.Status == "FAILED" && b.Status == "FAILED", nil
	})
	eventually(t, 4*time.Minute, "both failures are in quarantine", func(context.Context) (bool, error) {
		sys.autoReplay(t) // beside the schedule; ends count as lost after SETTLE_AFTER
		return sys.failure(t, invalid).Status == domain.Quarantined && sys.failure(t, unrecorded).Status == domain.Quarantined, nil
	})
	if f := sys.failure(t, invalid); f.State != "Enrich" || f.VersionID == "" {
		t.Errorf("got %+v, want the state that failed and the version", f)
	}
	if f := sys.failure(t, unrecorded); f.State != "Record" || f.InputKey == "" {
		t.Errorf("got %+v, want the state that failed and the input", f)
	}
}
