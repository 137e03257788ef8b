package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Timeouts of the functions, as the construct sets them.
const (
	short         = 30 * time.Second // Record, Publish, Tracker and Series
	apiTime       = 29 * time.Second
	listenerTime  = 2 * time.Minute
	autoTime      = 5 * time.Minute
	margin        = 50 * time.Millisecond // of an answer, before Lambda ends the function
	headOfR0      = "HeadObject events/r0"
	fiveResources = `{"select":{"resourceIds":["r0","r1","r2","r3","r4"]},"reason":"a test"}`
)

// hanging runs a test with calls that hang: they respect their context, or ignore it. Its clock is simulated.
func hanging(t *testing.T, test func(t *testing.T, e *Engine, ignore bool)) {
	t.Helper()
	for _, ignore := range []bool{false, true} {
		t.Run(fmt.Sprintf("a call that ignores its context: %t", ignore), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, inMemory(t), ignore) })
		})
	}
}

// hang makes the first n calls hang whose name contains a string, or all if n is 0. It returns a function that lets
// them continue and waits for them.
func hang(e *Engine, ignore bool, n int, at string) (release func()) {
	over := make(chan struct{})
	var mu sync.Mutex
	hung := 0
	e.faults.Slow(func(ctx context.Context, what string) error {
		if !strings.Contains(what, at) {
			return nil
		}
		mu.Lock()
		hung++
		passes := n > 0 && hung > n
		mu.Unlock()
		if passes {
			return nil
		}
		gone := ctx.Done()
		if ignore {
			gone = nil
		}
		select {
		case <-gone:
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-over:
			return nil
		}
	})
	return sync.OnceFunc(func() {
		e.faults.Slow(nil)
		close(over)
		synctest.Wait()
	})
}

// inTime runs a function that Lambda ends after a time, and fails unless it answers before that.
func inTime[T any](t *testing.T, limit time.Duration, run func(context.Context) (T, error)) (T, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	out, err := run(ctx)
	if took := time.Since(began); took > limit-margin {
		t.Errorf("the answer came after %s, want it %s before the end at %s", took, margin, limit)
	}
	return out, err
}

// refused are the indexes of the messages in a batch that are redelivered.
func refused(answer events.SQSEventResponse) (ids []string) {
	for _, f := range answer.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// itemsOf asks for a replay of five resources and returns the messages of its items.
func itemsOf(t *testing.T, e *Engine) (id string, bodies []string) {
	t.Helper()
	for i := range 5 {
		history(t, e, fmt.Sprint("r", i), 1)
	}
	id = ask(t, e, fiveResources)
	return id, drainToItems(t, e)
}

// startedOnce fails unless a replay of five resources completes and nothing was started twice.
func startedOnce(t *testing.T, e *Engine, id string) {
	t.Helper()
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 5, Started: 5, Succeeded: 5})
	if names := e.Machine.Names(domain.APIPrefix); len(names) != 5 {
		t.Errorf("got %d executions, want 5", len(names))
	}
}

func TestASlowMessageDoesNotTakeItsBatchWithIt(t *testing.T) {
	for _, limit := range []time.Duration{2 * time.Second, listenerTime} {
		hanging(t, func(t *testing.T, e *Engine, ignore bool) {
			id, items := itemsOf(t, e)
			release := hang(e, ignore, 0, headOfR0)
			defer release()
			answer, err := inTime(t, limit, func(ctx context.Context) (events.SQSEventResponse, error) {
				return e.Listener.Handle(ctx, batch(items...))
			})
			if got := refused(answer); err != nil || !slices.Equal(got, []string{"m0"}) {
				t.Errorf("got %v reported as failed, %v, want the slow message", got, err)
			}
			if !e.Replays.Empty() {
				t.Error("the slow message was sent again as well")
			}
			if n := len(list(t, e, id, "STARTED")); n != 4 {
				t.Errorf("got %d items STARTED, want 4", n)
			}
			release()
			e.Listen(items[0]) // comes again
			startedOnce(t, e, id)
		})
	}
}

func TestItemsWhoseStepsAreNotNotedInTimeComeAgain(t *testing.T) {
	hanging(t, func(t *testing.T, e *Engine, ignore bool) {
		id, items := itemsOf(t, e)
		release := hang(e, ignore, 0, "BatchGetItem") // the first call of noting them
		defer release()
		answer, err := inTime(t, listenerTime, func(ctx context.Context) (events.SQSEventResponse, error) {
			return e.Listener.Handle(ctx, batch(items...))
		})
		if got := refused(answer); err != nil || len(got) != 5 {
			t.Errorf("got %v reported as failed, %v, want all 5", got, err)
		}
		release()
		e.Listen(items...)
		startedOnce(t, e, id)
	})
}

func TestAMessageIsSentAgainInTheTimeThatASlowOneLeaves(t *testing.T) {
	hanging(t, func(t *testing.T, e *Engine, ignore bool) {
		id, items := itemsOf(t, e)
		e.Machine.StartFault = func(string) (error, bool) { return &throttling, false }
		release := hang(e, ignore, 0, headOfR0)
		defer release()
		answer, err := inTime(t, listenerTime, func(ctx context.Context) (events.SQSEventResponse, error) {
			return e.Listener.Handle(ctx, batch(items[:2]...))
		})
		if got := refused(answer); err != nil || !slices.Equal(got, []string{"m0"}) {
			t.Errorf("got %v reported as failed, %v, want the slow message", got, err)
		}
		again := e.Replays.TakeAll()
		if len(again) != 1 {
			t.Fatalf("got %d messages sent again, want the throttled one", len(again))
		}
		release()

		release = hang(e, ignore, 0, "SendMessageBatch")
		defer release()
		answer, err = inTime(t, listenerTime, func(ctx context.Context) (events.SQSEventResponse, error) {
			return e.Listener.Handle(ctx, batch(again...))
		})
		if got := refused(answer); err != nil || len(got) != 1 {
			t.Errorf("got %v reported as failed, %v, want the message that could not be sent again", got, err)
		}
		release()
		e.Machine.StartFault = func(string) (error, bool) { return nil, false }
		e.Listen(items...)
		startedOnce(t, e, id)
	})
}

func TestASlowEndDoesNotKeepTheOthersFromBeingSettled(t *testing.T) {
	hanging(t, func(t *testing.T, e *Engine, ignore bool) {
		id, items := itemsOf(t, e)
		e.Listen(items...)
		e.Machine.RunAll(t.Context())
		var ends []string
		for _, end := range e.Machine.TakeEnds() {
			ends = append(ends, end.Message)
		}
		release := hang(e, ignore, 1, "UpdateItem") // the first call of recording one
		defer release()
		answer, err := inTime(t, short, func(ctx context.Context) (events.SQSEventResponse, error) {
			return e.Tracker.Handle(ctx, batch(ends...))
		})
		if err != nil || len(answer.BatchItemFailures) != 1 {
			t.Errorf("got %v reported as failed, %v, want the slow one", refused(answer), err)
		}
		if n := len(list(t, e, id, "SUCCEEDED")); n != 4 {
			t.Errorf("got %d items SUCCEEDED, want 4", n)
		}
		release()
		for _, end := range ends {
			e.Track(end)
		}
		startedOnce(t, e, id)
	})
}

func TestASlowQueueDoesNotKeepEndsFromBeingSettled(t *testing.T) {
	hanging(t, func(t *testing.T, e *Engine, ignore bool) {
		id, items := itemsOf(t, e)
		e.Listen(items...)
		e.Machine.RunAll(t.Context())
		ends := []string{fmt.Sprintf(`{"v":1,"kind":"status","executionArn":%q,"name":"s1","stateMachineArn":%q,`+
			`"status":"SUCCEEDED","error":null,"startDate":1,"stopDate":2,"redriveCount":0}`, seriesARN("s1"), SeriesMachineARN)}
		for _, end := range e.Machine.TakeEnds() {
			ends = append(ends, end.Message)
		}
		release := hang(e, ignore, 0, "SendMessageBatch")
		defer release()
		answer, err := inTime(t, short, func(ctx context.Context) (events.SQSEventResponse, error) {
			return e.Tracker.Handle(ctx, batch(ends...))
		})
		if got := refused(answer); err != nil || !slices.Equal(got, []string{"m0"}) {
			t.Errorf("got %v reported as failed, %v, want the end of the series", got, err)
		}
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 5, Started: 5, Succeeded: 5})
	})
}

// unavailableInTime fails unless a function ends in time with the error that Step Functions retries.
func unavailableInTime[T any](t *testing.T, run func(context.Context) (T, error)) {
	t.Helper()
	_, err := inTime(t, short, run)
	if got, cause := simtest.FaultOf(err); got != errs.ServiceUnavailable {
		t.Errorf("got %s, %s, want %s", got, cause, errs.ServiceUnavailable)
	}
}

func TestASlowVersionOfASeriesIsTriedAgain(t *testing.T) {
	for _, at := range []string{"HeadObject", "TransactWriteItems", "GetObject events/"} {
		hanging(t, func(t *testing.T, e *Engine, ignore bool) {
			history(t, e, "r1", 2)
			id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
			e.Listen(drainToItems(t, e)...)
			in, err := e.seriesInput()
			if err != nil || len(in.Indexes) != 2 {
				t.Fatalf("got %+v, %v, want a series of 2", in, err)
			}
			in.Indexes = nil
			release := hang(e, ignore, 1, at)
			defer release()
			unavailableInTime(t, func(ctx context.Context) (listener.SeriesOrder, error) {
				return e.Listener.BindVersion(ctx, in)
			})
			release()
			e.Pump()
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
		})
	}
}

func TestASlowRecordIsRetriedAndRecordsOnce(t *testing.T) {
	for _, at := range []string{"PutObject events/", "UpdateItem", "PutItem"} {
		for _, late := range []bool{false, true} { // whether the first attempt continues after the second
			hanging(t, func(t *testing.T, e *Engine, ignore bool) {
				if err := e.Machine.Start("live-1", sale(1)); err != nil {
					t.Fatal(err)
				}
				in := simtest.RecordInput(e.Machine.Execution("live-1"))
				release := hang(e, ignore, 1, at)
				defer release()
				unavailableInTime(t, func(ctx context.Context) (protocol.RecordOutput, error) {
					return e.Recorder.Handle(ctx, in)
				})
				if !late {
					release()
				}
				in.RetryCount = 1
				out, err := e.Recorder.Handle(t.Context(), in)
				release()
				if err != nil {
					t.Fatal(err)
				}
				row, err := e.Book.Executions.Get(t.Context(), "live-1")
				if err != nil || row.VersionID != out.Ingestion.VersionID {
					t.Errorf("got %+v, %v, want the version %s that the workflow got", row, err, out.Ingestion.VersionID)
				}
			})
		}
	}
}

func TestASlowPublishIsRetriedAndPublishes(t *testing.T) {
	for _, at := range []string{"Publish", "PutObject outputs/", "GetItem", "UpdateItem"} {
		hanging(t, func(t *testing.T, e *Engine, ignore bool) {
			if err := e.Machine.Start("live-1", sale(1)); err != nil {
				t.Fatal(err)
			}
			in := simtest.RecordInput(e.Machine.Execution("live-1"))
			if _, err := e.Recorder.Handle(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			out := protocol.PublishInput{Output: json.RawMessage(`{"done":1}`), Execution: in.Execution}
			release := hang(e, ignore, 1, at)
			defer release()
			unavailableInTime(t, func(ctx context.Context) (none struct{}, err error) {
				return none, e.Publisher.Handle(ctx, out)
			})
			release()
			if err := e.Publisher.Handle(t.Context(), out); err != nil {
				t.Error(err)
			}
			row, err := e.Book.Executions.Get(t.Context(), "live-1")
			if err != nil || row.PublishedAt.IsZero() || e.PublishedBy("live-1") == 0 {
				t.Errorf("got %+v, %v and %d messages, want it published", row, err, e.PublishedBy("live-1"))
			}
			if ignore && e.PublishedBy("live-1") != 1 {
				t.Errorf("got %d messages of an attempt that went on to its end, want 1", e.PublishedBy("live-1"))
			}
		})
	}
}
