package engine

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

var outageFailures = flag.Int("outage", 2000, "failures of the outage that is played")

// bucket is a quota of AWS: tokens that are refilled at a rate, up to a size.
type tokens struct {
	size, perSecond float64
	left            float64
	seen            time.Time
	refused, given  int
}

func (b *tokens) take(now time.Time) bool {
	if !b.seen.IsZero() {
		b.left = min(b.size, b.left+now.Sub(b.seen).Seconds()*b.perSecond)
	}
	b.seen = now
	if b.left < 1 {
		b.refused++
		return false
	}
	b.left--
	b.given++
	return true
}

// quotaed simulates the throttling of Step Functions in most Regions ("Quotas related to API action throttling").
type quotaed struct {
	sfn.API
	now func() time.Time

	mu                       sync.Mutex
	describe, history, lists *tokens
}

func newQuotaed(api sfn.API, now func() time.Time) *quotaed {
	full := func(size, perSecond float64) *tokens { return &tokens{size: size, perSecond: perSecond, left: size} }
	return &quotaed{API: api, now: now, describe: full(250, 10), history: full(400, 20), lists: full(200, 5)}
}

func (q *quotaed) within(b *tokens) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !b.take(q.now()) {
		return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
	}
	return nil
}

func (q *quotaed) DescribeExecution(ctx context.Context, in *awssfn.DescribeExecutionInput, o ...func(*awssfn.Options)) (*awssfn.DescribeExecutionOutput, error) {
	if err := q.within(q.describe); err != nil {
		return nil, err
	}
	return q.API.DescribeExecution(ctx, in, o...)
}

func (q *quotaed) GetExecutionHistory(ctx context.Context, in *awssfn.GetExecutionHistoryInput, o ...func(*awssfn.Options)) (*awssfn.GetExecutionHistoryOutput, error) {
	if err := q.within(q.history); err != nil {
		return nil, err
	}
	return q.API.GetExecutionHistory(ctx, in, o...)
}

func (q *quotaed) ListExecutions(ctx context.Context, in *awssfn.ListExecutionsInput, o ...func(*awssfn.Options)) (*awssfn.ListExecutionsOutput, error) {
	if err := q.within(q.lists); err != nil {
		return nil, err
	}
	return q.API.ListExecutions(ctx, in, o...)
}

// An outage fails every event with one error, for as long as it lasts. The account's quotas apply, no run returns an
// error, and no message remains in the dead-letter queue. After the outage, everything heals at the pace of all
// replays.
func TestAnOutageWithinTheQuotas(t *testing.T) {
	const startsPerSecond = 30
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	now := func() time.Time { return time.Now().Add(e.Ahead) }
	api := newQuotaed(e.services.States, now)
	e.services.States, e.services.Random = api, func() float64 { return 0.5 }
	e.Reconfigure(func(p *config.AutoReplay) {
		p.CanaryThreshold, p.StartsPerSecond, p.MaxAttempts, p.BackoffBase = 10, startsPerSecond, 10, time.Minute
		p.MaxBackoff = time.Minute
	})
	over := false
	e.Machine.Work = func(_, event string) (string, string) {
		if over {
			return event, ""
		}
		return event, "States.Timeout"
	}
	for i := range *outageFailures {
		e.Ingest(fmt.Sprint("event-", i), fmt.Sprintf(`{"id":"r%d"}`, i))
	}
	e.Report()
	began, runs, most := now(), 0, 0
	takenIn, healed := time.Duration(0), time.Duration(0)
	var ended time.Time
	for ; healed == 0; runs++ {
		if runs > 20+*outageFailures/1000 {
			t.Fatalf("not healed after %d runs", runs)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // calls take no time here, but this machine's
		sum, err := e.World.Schedule(ctx, e.Ask)                   // fails if there are errors
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		e.flush()
		most = max(most, sum.Replayed)
		if takenIn == 0 && count(t, e) == *outageFailures {
			takenIn = now().Sub(began) + e.Policy.Interval
		}
		if left := gauge(e, "DeadLettersLeft"); left > 0 {
			t.Errorf("run %d: %v dead letters left, which raises an alarm", runs, left)
		}
		if runs == 2 {
			over, ended = true, now()
		}
		e.Pump()
		if over && len(e.Machine.Names("ar-")) >= *outageFailures {
			healed = now().Sub(ended) + e.Policy.Interval
		}
		e.Ahead += e.Policy.Interval
	}
	if api.describe.refused+api.history.refused+api.lists.refused > 0 {
		t.Errorf("refused %d describes, %d histories, %d lists, want none", api.describe.refused, api.history.refused, api.lists.refused)
	}
	if bound := startsPerSecond * int(e.Policy.Interval.Seconds()); most > bound {
		t.Errorf("a run sent %d automatic replays, want at most %d", most, bound)
	}
	if takenIn > 10*time.Minute {
		t.Errorf("taken in after %s, want minutes", takenIn)
	}
	t.Logf("%d failures: taken in within %s, healed %s after the end of the outage, %d runs; %d describes, %d histories, %d lists",
		*outageFailures, takenIn.Round(time.Second), healed.Round(time.Second), runs, api.describe.given, api.history.given, api.lists.given)
}

// count counts the failures of the events themselves.
func count(t *testing.T, e *Engine) (n int) {
	t.Helper()
	var ids []string
	for _, name := range e.Machine.Names("event-") {
		ids = append(ids, domain.FailureID(name, 0))
	}
	rows, err := e.Plain.Failures.Find(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return len(rows)
}

// gauge is the last value of a metric.
func gauge(e *Engine, name string) (last float64) {
	for _, d := range e.Metrics() {
		if strings.EqualFold(d.Name, name) && len(d.Values) > 0 {
			last = d.Values[len(d.Values)-1]
		}
	}
	return last
}
