package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// neverRecorded makes an execution fail before Record could store its event, and returns the messages that restart it.
func neverRecorded(t *testing.T, e *Engine, event string) []string {
	t.Helper()
	const name = "live-1"
	e.Machine.Put(awstest.Execution{
		Name: name, Input: event, Started: time.Now(), Stopped: time.Now(), Status: types.ExecutionStatusFailed,
		Error: "IngestionServiceUnavailable", Cause: "put events/r1: SlowDown",
	})
	pointer := e.pointer(name)
	if err := e.Dead.Send(t.Context(), pointer); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // later events have a later start
	return due(e)
}

// due returns the messages that auto-replay sends once everything is due.
func due(e *Engine) []string {
	for range 2 {
		backoff()
		e.Schedule()
	}
	return e.Replays.TakeAll()
}

func run(t *testing.T, e *Engine, name, event string) {
	t.Helper()
	if err := e.Machine.Start(name, event); err != nil {
		t.Fatal(err)
	}
	e.Machine.Run(t.Context(), name)
}

func latestBy(t *testing.T, e *Engine) string {
	t.Helper()
	v, err := e.Log.Latest(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	return v.Execution
}

func TestARestartDoesNotPublishOverANewerEvent(t *testing.T) {
	e := inMemory(t)
	e.Listen(neverRecorded(t, e, sale(1))...)
	auto := domain.AutoName("live-1", 1)
	if e.Machine.Status(auto) != types.ExecutionStatusRunning {
		t.Fatal("the automatic replay was not started")
	}
	run(t, e, "live-2", sale(2))
	e.Machine.RunAll(t.Context())
	e.Report()
	if n := e.PublishedBy(auto); n != 0 || e.PublishedBy("live-2") != 1 {
		t.Errorf("the restart of live-1 published %d messages after live-2", n)
	}
	if got := latestBy(t, e); got != "live-2" {
		t.Errorf("the latest version is that of %s, want live-2", got)
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Superseded {
		t.Errorf("live-1 is %s: %s, want SUPERSEDED", f.Status, f.Decision)
	}
}

func TestTheAgeOfALineageIsNotForgotten(t *testing.T) {
	e := inMemory(t)
	first, second := domain.AutoName("live-1", 1), domain.AutoName("live-1", 2)
	e.Machine.Work = failing(outage, func(x string) bool { return x != first })
	e.Listen(neverRecorded(t, e, sale(1))...)
	run(t, e, "live-2", sale(2))
	e.Machine.RunAll(t.Context()) // the restart is recorded, then its work fails
	e.Report()
	e.Ahead += time.Hour
	settleDown(t, e)
	if n := e.PublishedBy(second); n > 0 {
		t.Errorf("an hour after live-2 was published, the older live-1 was published by %s", second)
	}
	if f := failure(t, e, first); f.Status != domain.Superseded {
		t.Errorf("the failure of %s is %s, want SUPERSEDED", first, f.Status)
	}
}

func TestTheHistoryIsInTheOrderOfPlaces(t *testing.T) {
	e := inMemory(t)
	start := neverRecorded(t, e, sale(1))
	run(t, e, "live-2", sale(2))
	time.Sleep(3 * time.Millisecond)
	between := time.Now().UTC()
	time.Sleep(3 * time.Millisecond)
	run(t, e, "live-3", sale(3))
	// An operator also replays the first event, which reaches the log last.
	e.Policy.Enabled = false
	e.Listen(start...)
	e.Machine.RunAll(t.Context())
	e.Report()
	var order []string
	for v, err := range e.Log.Versions(t.Context(), "r1", "") {
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, v.Execution)
	}
	if want := fmt.Sprint([]string{"live-3", "live-2"}); fmt.Sprint(order[:2]) != want {
		t.Errorf("got %v, want %s first", order, want)
	}
	id := ask(t, e, fmt.Sprintf(`{"select":{"resourceIds":["r1"]},"versions":{"asOf":%q},"allowStale":true,"reason":"x"}`,
		between.Format(time.RFC3339Nano)))
	e.Pump()
	it := list(t, e, id, "")[0]
	v2, err := e.Book.Executions.Get(t.Context(), "live-2")
	if err != nil || it.VersionID != v2.VersionID {
		t.Errorf("asOf chose %s, want that of live-2: %s (%v)", it.VersionID, v2.VersionID, err)
	}
}

func TestWhatWasDeletedStaysDeleted(t *testing.T) {
	t.Run("an event that was recorded", func(t *testing.T) {
		e := inMemory(t)
		e.Machine.Work = failing(outage, automatic)
		e.Ingest("live-1", sale(1))
		e.Report()
		e.Bucket.Delete("events/r1")
		settleDown(t, e)
		if n := e.PublishedBy(domain.AutoName("live-1", 1)); n > 0 {
			t.Errorf("published %d messages about a resource that was deleted", n)
		}
		if f := failure(t, e, "live-1"); f.Status != domain.Quarantined || !strings.Contains(f.Decision, "deleted") {
			t.Errorf("its failure is %s: %s", f.Status, f.Decision)
		}
	})
	t.Run("while its replay runs", func(t *testing.T) {
		e := inMemory(t)
		e.Machine.Work = failing(outage, automatic)
		e.Ingest("live-1", sale(1))
		e.Report()
		e.Listen(due(e)...)
		e.Bucket.Delete("events/r1")
		e.Machine.RunAll(t.Context())
		e.Report()
		if n := e.PublishedBy(domain.AutoName("live-1", 1)); n > 0 {
			t.Errorf("published %d messages about a resource that was deleted", n)
		}
	})
	for _, when := range []string{"before its restart is decided", "after its restart has started"} {
		t.Run("an event that was never recorded, "+when, func(t *testing.T) {
			e := inMemory(t)
			e.Ingest("live-0", sale(0))
			start := neverRecorded(t, e, sale(1))
			if strings.HasPrefix(when, "after") {
				e.Listen(start...)
			}
			e.Bucket.Delete("events/r1")
			if strings.HasPrefix(when, "before") {
				e.Listen(start...)
			}
			e.Machine.RunAll(t.Context())
			e.Report()
			settleDown(t, e)
			if n := e.PublishedBy(domain.AutoName("live-1", 1)); n > 0 {
				t.Errorf("published %d messages about a resource that was deleted", n)
			}
			if v, err := e.Log.Latest(t.Context(), "r1"); err == nil {
				t.Errorf("the resource is there again, by %s", v.Execution)
			}
		})
	}
}

func TestAnOldVersionIsChosenWithFewCalls(t *testing.T) {
	e := inMemory(t)
	const n = 20_000
	begin := time.Now().Add(-n * time.Second)
	var old string
	for i := range n {
		at := begin.Add(time.Duration(i) * time.Second)
		e.Bucket.Now = func() time.Time { return at }
		meta := eventlog.Meta{Execution: fmt.Sprint("x", i), OwnerID: "o1", RecordedAt: at, StartedAt: at}
		v, err := e.Log.Put(t.Context(), "hot", []byte(event("hot", "o1", i)), meta)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			old = v
		}
	}
	for versions, most := range map[string]int{
		fmt.Sprintf(`{"ids":[%q]}`, old): 200,
		fmt.Sprintf(`{"asOf":%q}`, begin.Add(500*time.Millisecond).UTC().Format(time.RFC3339Nano)): 2500,
		fmt.Sprintf(`{"series":{"to":%q}}`, old):                                                   2500,
	} {
		id := ask(t, e, `{"select":{"resourceIds":["hot"]},"versions":`+versions+`,"allowStale":true,"reason":"x"}`)
		item := drainToItems(t, e)
		messages := 0
		for len(item) > 0 {
			e.Bucket.Calls = 0
			e.Listen(item...)
			if messages++; e.Bucket.Calls > most {
				t.Errorf("%s: %d calls of S3 for one message, want at most %d", versions, e.Bucket.Calls, most)
			}
			item = e.Replays.TakeAll()
		}
		if it := list(t, e, id, "")[0]; it.VersionID != old {
			t.Errorf("%s: chose %q (%s) in %d messages, want %s", versions, it.VersionID, it.Reason, messages, old)
		}
	}
}

func TestAHugeObjectIsNotRead(t *testing.T) {
	e := inMemory(t)
	if _, err := e.Bucket.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("b"), Key: aws.String("events/big"), Body: strings.NewReader(strings.Repeat("x", 64<<20)),
	}); err != nil {
		t.Fatal(err)
	}
	id := ask(t, e, `{"select":{"resourceIds":["big"]},"reason":"x"}`)
	e.Pump()
	if it := list(t, e, id, "")[0]; it.Outcome != replay.Failed || !strings.Contains(it.Reason, "NotAnEvent") {
		t.Errorf("got %s (%s), want NotAnEvent", it.Outcome, it.Reason)
	}
}
