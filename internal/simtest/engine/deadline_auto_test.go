package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// deadLettersOf makes executions fail and returns their dead letters.
func deadLettersOf(t *testing.T, e *Engine, n int) (bodies []string) {
	t.Helper()
	e.Machine.Work = failing("States.Timeout", automatic)
	for i := range n {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	for _, end := range e.Machine.TakeEnds() {
		e.Track(end.Message)
		bodies = append(bodies, end.Message)
	}
	return bodies
}

// healedOnce fails unless a number of failures healed, each by one message.
func healedOnce(t *testing.T, e *Engine, n int) {
	t.Helper()
	if left := inQuarantine(t, e); len(left) != 0 || len(e.Published) != n {
		t.Errorf("got %+v in quarantine and %d messages, want none and %d", left, len(e.Published), n)
	}
}

// runInTime runs auto-replay as Lambda does, and fails unless it answers in time.
func runInTime(t *testing.T, e *Engine, limit time.Duration) autoreplay.Summary {
	t.Helper()
	sum, err := inTime(t, limit, func(ctx context.Context) (autoreplay.Summary, error) {
		return e.Runner.Run(ctx, fmt.Sprint("run-", time.Now().UnixNano()), e.Ask)
	})
	if err != nil {
		t.Error(err)
	}
	return sum
}

func TestASlowDeadLetterStaysInTheQueueAndKeepsNothingBack(t *testing.T) {
	hanging(t, func(t *testing.T, e *Engine, ignore bool) {
		e.Policy.CanaryThreshold = 100
		e.Reconfigure(func(*config.AutoReplay) {})
		bodies := deadLettersOf(t, e, 12) // more than are received at once
		if err := e.Dead.Send(t.Context(), bodies...); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		deleted := map[string]bool{}
		release := hang(e, ignore, 1, "DescribeExecution")
		defer release()
		slow := e.faults.slow
		e.faults.Slow(func(ctx context.Context, what string) error {
			if id, ok := strings.CutPrefix(what, "DeleteMessage "); ok {
				mu.Lock()
				defer mu.Unlock()
				deleted[id] = true
			}
			return slow(ctx, what)
		})
		sum := runInTime(t, e, autoTime)
		mu.Lock()
		n := len(deleted)
		mu.Unlock()
		if sum.DeadLetters != 11 || n != 11 || sum.Errors != 1 {
			t.Errorf("got %+v and %d messages deleted, want all but the slow one taken in", sum, n)
		}
		if sum.Replayed != 11 {
			t.Errorf("got %d automatic replays sent, want those of what was taken in", sum.Replayed)
		}
		got := emftest.Sums(e.Metrics())
		if got["AutoReplayRuns"] != 1 || got["DeadLettersLeft"] != 1 {
			t.Errorf("got %v, want the run and the one that is left reported", got)
		}
		release()
		if err := e.Dead.Send(t.Context(), bodies...); err != nil { // redelivers the slow one; the others do no harm
			t.Fatal(err)
		}
		settleDown(t, e)
		if names := e.Machine.Names(domain.AutoPrefix); len(names) != 12 {
			t.Errorf("got %d automatic replays, want 12", len(names))
		}
		healedOnce(t, e, 12)
	})
}

func TestAPartOfAutoReplayThatHangsDoesNotTakeTheOthersWithIt(t *testing.T) {
	for _, at := range []string{"ReceiveMessage", "ListExecutions", "SendMessageBatch", "Query", "GetItem", "UpdateItem"} {
		for _, limit := range []time.Duration{2 * time.Second, autoTime} {
			hanging(t, func(t *testing.T, e *Engine, ignore bool) {
				dead := deadLettersOf(t, e, 3)
				if err := e.Dead.Send(t.Context(), dead...); err != nil {
					t.Fatal(err)
				}
				e.Reconfigure(func(p *config.AutoReplay) { p.Enabled = false })
				e.Schedule() // takes them in, and starts nothing
				e.Reconfigure(func(p *config.AutoReplay) { p.Enabled = true })
				time.Sleep(time.Hour) // of a simulated clock, so they are due
				before := emftest.Sums(e.Metrics())["AutoReplayRuns"]
				release := hang(e, ignore, 0, at)
				defer release()
				sum, err := inTime(t, limit, func(ctx context.Context) (autoreplay.Summary, error) {
					return e.Runner.Run(ctx, "hung", autoreplay.Request{})
				})
				if at == "UpdateItem" { // it cannot have its lease
					if err == nil {
						t.Errorf("%s: got %+v, want an error", at, sum)
					}
				} else if runs := emftest.Sums(e.Metrics())["AutoReplayRuns"] - before; err != nil || runs != 1 {
					t.Errorf("%s: got %+v, %v and %v runs reported, want it done", at, sum, err, runs)
				}
				if (at == "ReceiveMessage" || at == "ListExecutions") && sum.Replayed != 3 {
					t.Errorf("%s: got %+v, want what is due sent", at, sum)
				}
				release()
				time.Sleep(time.Hour) // a lease that was not given back ends
				settleDown(t, e)
				healedOnce(t, e, 3)
			})
		}
	}
}

// callInTime asks the replay API as API Gateway does.
func callInTime(t *testing.T, e *Engine, req events.APIGatewayProxyRequest) (answer events.APIGatewayProxyResponse, p replay.Problem) {
	t.Helper()
	answer, err := inTime(t, apiTime, func(ctx context.Context) (events.APIGatewayProxyResponse, error) {
		return e.API.Handle(ctx, req)
	})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Headers["Content-Type"] == replay.ProblemType {
		if err := json.Unmarshal([]byte(answer.Body), &p); err != nil {
			t.Fatal(err)
		}
	}
	return answer, p
}

func TestASlowRequestIsAnsweredBeforeAPIGatewayGivesItUp(t *testing.T) {
	for _, at := range []string{"SendMessageBatch", "PutObject replays/", "PutItem"} {
		hanging(t, func(t *testing.T, e *Engine, ignore bool) {
			history(t, e, "r1", 1)
			req := events.APIGatewayProxyRequest{
				HTTPMethod: "POST", Resource: "/replays", Body: oneItem, Headers: map[string]string{"Idempotency-Key": "k1"},
				RequestContext: events.APIGatewayProxyRequestContext{Stage: "v1", RequestID: "request-1"},
			}
			release := hang(e, ignore, 1, at)
			defer release()
			answer, p := callInTime(t, e, req)
			if answer.StatusCode != 504 || answer.Headers["Retry-After"] == "" {
				t.Errorf("%s: got %d %v, want a problem 504 with Retry-After", at, answer.StatusCode, answer.Headers)
			}
			if p.Status != 504 || p.RequestID != "request-1" || !strings.Contains(p.Detail, "try again") {
				t.Errorf("%s: got %+v, want what to do", at, p)
			}
			release()
			if answer, p = callInTime(t, e, req); answer.StatusCode != 202 {
				t.Fatalf("%s: got %+v, want it accepted", at, p)
			}
			var accepted replay.Accepted
			if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil {
				t.Fatal(err)
			}
			e.Pump()
			finished(t, e, accepted.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
			if got := e.Call("GET", "/replays", "", nil, nil); strings.Count(got.Body, `"replayId"`) != 1 {
				t.Errorf("%s: got %s, want one replay", at, got.Body)
			}
		})
	}
}
