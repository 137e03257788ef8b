package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/publish"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
	"github.com/ce873799/replayable-ingestion/internal/topic"
	"github.com/ce873799/replayable-ingestion/replay"
)

// neverRecorded has execution live-1 fail before Record could keep its event, and returns the messages that restart it.
func neverRecorded(t *testing.T, e *Engine, event string) []string {
	const name = "live-1"
	t.Helper()
	e.Machine.mu.Lock()
	x := &execution{
		name: name, input: event, started: time.Now(), stopped: time.Now(), status: types.ExecutionStatusFailed,
		fault: "IngestionServiceUnavailable", cause: "put events/r1: SlowDown",
	}
	e.Machine.executions[name] = x
	pointer := x.pointer()
	e.Machine.mu.Unlock()
	if err := e.Dead.Send(t.Context(), pointer); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // what comes now started later
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
	time.Sleep(2 * time.Millisecond) // places have milliseconds
	if err := e.Machine.start(name, event); err != nil {
		t.Fatal(err)
	}
	e.Machine.run(t.Context(), e.Machine.executions[name])
}

func latestBy(t *testing.T, e *Engine, id string) string {
	t.Helper()
	v, err := e.Log.Latest(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return v.Execution
}

func TestARestartDoesNotPublishOverANewerEvent(t *testing.T) {
	e := inMemory(t)
	e.Listen(neverRecorded(t, e, sale(1))...)
	auto := naming.Auto("live-1", 1)
	if e.Machine.Status(auto) != types.ExecutionStatusRunning {
		t.Fatal("the automatic replay was not started")
	}
	run(t, e, "live-2", sale(2))
	e.Machine.RunAll(t.Context())
	e.Report()
	if n := e.PublishedBy(auto); n != 0 || e.PublishedBy("live-2") != 1 {
		t.Errorf("the restart of live-1 published %d messages after live-2", n)
	}
	if got := latestBy(t, e, "r1"); got != "live-2" {
		t.Errorf("the latest version is that of %s, want live-2", got)
	}
	if f := failure(t, e, "live-1"); f.Status != ledger.Superseded {
		t.Errorf("live-1 is %s: %s, want SUPERSEDED", f.Status, f.Decision)
	}
}

func TestTheAgeOfALineageIsNotForgotten(t *testing.T) {
	e := inMemory(t)
	first, second := naming.Auto("live-1", 1), naming.Auto("live-1", 2)
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
	if f := failure(t, e, first); f.Status != ledger.Superseded {
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
	// A person asks for the first event as well: it reaches the log last.
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
	v2, err := e.Book.Execution(t.Context(), "live-2")
	if err != nil || it.VersionID != v2.VersionID {
		t.Errorf("asOf chose %s, want that of live-2: %s (%v)", it.VersionID, v2.VersionID, err)
	}
}

type slowStore struct {
	*eventlog.Log
	during func()
}

func (s slowStore) PutObject(ctx context.Context, key string, doc []byte) error {
	s.during()
	return s.Log.PutObject(ctx, key, doc)
}

// between has a newer event published while Publish stores the output of an older one, and returns how often the older
// one was published.
func between(t *testing.T, e *Engine, older string) int {
	t.Helper()
	once := true
	normal := e.Machine.publish
	e.Machine.publish = publish.New(topic.New(e, "arn:aws:sns:us-east-1:000000000000:topic"), slowStore{e.Log, func() {
		if !once {
			return
		}
		once = false
		e.Machine.publish = normal
		backoff() // no two events come at once
		run(t, e, "live-9", sale(9))
	}}, e.Book, supersede.NewGate(e.Book, nil), publish.Options{StoreOutputs: true, SupersedeOlder: true}, nil, nil)
	before := e.PublishedBy(older)
	e.Machine.RunAll(t.Context())
	e.Report()
	if e.PublishedBy("live-9") != 1 {
		t.Fatal("live-9 was not published")
	}
	return e.PublishedBy(older) - before
}

func TestWhetherToPublishIsDecidedLast(t *testing.T) {
	t.Run("by an automatic replay", func(t *testing.T) {
		e := inMemory(t)
		e.Machine.Work = failing(outage, func(x string) bool { return x != "live-1" })
		e.Ingest("live-1", sale(1))
		e.Report()
		e.Listen(due(e)...)
		if n := between(t, e, naming.Auto("live-1", 1)); n != 0 {
			t.Errorf("published %d messages after a newer event", n)
		}
	})
	t.Run("by a restart", func(t *testing.T) {
		e := inMemory(t)
		e.Listen(neverRecorded(t, e, sale(1))...)
		if n := between(t, e, naming.Auto("live-1", 1)); n != 0 {
			t.Errorf("published %d messages after a newer event", n)
		}
	})
	for allow, want := range map[bool]int{false: 0, true: 1} {
		t.Run(fmt.Sprintf("by a replay that somebody asked for, allowStale %t", allow), func(t *testing.T) {
			e := inMemory(t)
			history(t, e, "r1", 1)
			id := ask(t, e, fmt.Sprintf(`{"select":{"resourceIds":["r1"]},"allowStale":%t,"reason":"x"}`, allow))
			e.Listen(drainToItems(t, e)...)
			name := e.Machine.Names(naming.APIPrefix)[0]
			if n := between(t, e, name); n != want {
				t.Errorf("published %d messages after a newer event, want %d", n, want)
			}
			e.Pump()
			it := list(t, e, id, "")[0]
			if said := strings.Contains(it.Reason, "not published"); said == allow {
				t.Errorf("its item says %q", it.Reason)
			}
		})
	}
}

// A newer event waits until an older one has been sent, or its sender has died.
func TestANewerEventWaitsForAnOlderOneThatIsBeingSent(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(fmt.Sprintf("the sender dies: %t", dies), func(t *testing.T) {
			e := inMemory(t)
			gate := supersede.NewGate(e.Book, nil)
			slept := time.Duration(0)
			now := time.Now()
			gate.Now = func() time.Time { return now.Add(slept) }
			place := ledger.At(now)
			older := ledger.Execution{Name: "ar-1", Mode: ledger.Auto, ResourceID: "r1", Place: place}
			newer := ledger.Execution{Name: "live-2", Mode: ledger.Live, ResourceID: "r1", StartedAt: ledger.At(now.Add(time.Second))}
			var order []string
			send := func(name string) func(context.Context) error {
				return func(context.Context) error { order = append(order, name); return nil }
			}
			hold := ledger.Hold{ResourceID: "r1", Execution: older.Name, Place: place, Over: place, Now: now, Until: now.Add(10 * time.Second)}
			if _, err := e.Book.HoldPublication(t.Context(), hold); err != nil {
				t.Fatal(err)
			}
			gate.Sleep = func(ctx context.Context, d time.Duration) error {
				if slept += d; !dies && slept > time.Second {
					order = append(order, older.Name)
					return e.Book.ReleasePublication(ctx, "r1", older.Name)
				}
				return nil
			}
			if sent, err := gate.Pass(t.Context(), newer, false, send(newer.Name)); !sent || err != nil {
				t.Fatalf("got %t, %v", sent, err)
			}
			want := []string{"ar-1", "live-2"}
			if dies {
				want = want[1:]
			}
			if fmt.Sprint(order) != fmt.Sprint(want) || slept > 11*time.Second {
				t.Errorf("sent %v after %s, want %v", order, slept, want)
			}
			if sent, err := gate.Pass(t.Context(), older, true, send("late")); sent || err != nil {
				t.Errorf("the older one passed after the newer: %t, %v", sent, err)
			}
		})
	}
}

// SNS did not answer a replay that publishes. Its request may be under way, so a newer event waits until the hold is over.
func TestANewerEventWaitsForARequestThatWasGivenUp(t *testing.T) {
	for _, tt := range []struct {
		what  string
		err   error
		waits bool
	}{
		{"SNS does not answer", &unavailable, true},
		{"SNS refuses it", errors.New("not authorized"), false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			e := inMemory(t)
			gate := supersede.NewGate(e.Book, nil)
			began, slept := time.Now(), time.Duration(0)
			gate.Now = func() time.Time { return began.Add(slept) }
			gate.Sleep = func(_ context.Context, d time.Duration) error { slept += d; return nil }
			older := ledger.Execution{Name: "ar-1", Mode: ledger.Auto, ResourceID: "r1", Place: ledger.At(began)}
			newer := ledger.Execution{Name: "live-2", Mode: ledger.Live, ResourceID: "r1", StartedAt: ledger.At(began.Add(time.Second))}
			refuse := func(context.Context) error { return tt.err }
			if sent, err := gate.Pass(t.Context(), older, true, refuse); sent || !errors.Is(err, tt.err) {
				t.Fatalf("got %t, %v, want its error", sent, err)
			}
			send := func(context.Context) error { return nil }
			if sent, err := gate.Pass(t.Context(), newer, false, send); !sent || err != nil || (slept > 9*time.Second) != tt.waits {
				t.Errorf("got %t, %v after %s, want it sent after the hold: %t", sent, err, slept, tt.waits)
			}
			if sent, err := gate.Pass(t.Context(), older, true, send); sent || err != nil {
				t.Errorf("the older one passed after the newer: %t, %v", sent, err)
			}
		})
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
		if n := e.PublishedBy(naming.Auto("live-1", 1)); n > 0 {
			t.Errorf("published %d messages about a resource that was deleted", n)
		}
		if f := failure(t, e, "live-1"); f.Status != ledger.Quarantined || !strings.Contains(f.Decision, "deleted") {
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
		if n := e.PublishedBy(naming.Auto("live-1", 1)); n > 0 {
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
			if n := e.PublishedBy(naming.Auto("live-1", 1)); n > 0 {
				t.Errorf("published %d messages about a resource that was deleted", n)
			}
			if v, err := e.Log.Latest(t.Context(), "r1"); err == nil {
				t.Errorf("the resource is there again, by %s", v.Execution)
			}
		})
	}
}

func TestARepublishOfWhatWasDeletedMeanwhileIsSkipped(t *testing.T) {
	for versions, n := range map[string]int{`"latest"`: 1, `{"series":"all"}`: 2} {
		e := inMemory(t)
		history(t, e, "r1", 2)
		before := len(e.Published)
		id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"versions":`+versions+`,"reason":"x"}`)
		item := drainToItems(t, e)
		e.faults.Refuse = "GetObject outputs/" // it is bound, and not sent
		deleted := func() bool {
			e.faults.Refuse = ""
			e.Bucket.Delete("events/r1")
			return true
		}
		e.Series.Between = deleted
		e.faults.During(func() { e.Listen(item...) })
		if n == 1 {
			deleted()
		}
		e.Pump()
		if len(e.Published) != before {
			t.Errorf("%s: published %d messages about a resource that was deleted", versions, len(e.Published)-before)
		}
		if it := list(t, e, id, "")[0]; it.Outcome != replay.Failed || !strings.Contains(it.Reason, "not known whether it was sent") {
			t.Errorf("%s: got %s (%s), want it to say that an earlier delivery may have sent it", versions, it.Outcome, it.Reason)
		}
		if r := get(t, e, id); !r.Status.Final() || r.Counts.Matched != n || r.Counts.Failed+r.Counts.Skipped != n {
			t.Errorf("%s: got %s %+v, want no item succeeded", versions, r.Status, r.Counts)
		}
	}
}

// A republish was sent and its item not noted. By the time it comes again, it must not be sent: nobody says that it was not.
func TestARepublishThatWasSentIsNotSaidToBeSkipped(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"reason":"x"}`)
	item := drainToItems(t, e)
	n := len(e.Published)
	died(t, e, "#outcome", item...)
	if len(e.Published) != n+1 {
		t.Fatalf("published %d messages, want the output", len(e.Published)-n)
	}
	backoff()
	e.Ingest("live-9", event("r1", "o1", 9))
	e.Listen(item...)
	if it := list(t, e, id, "")[0]; it.Outcome != replay.Failed || !strings.Contains(it.Reason, "not known whether it was sent") {
		t.Errorf("got %s (%s), want it to say that the output may have been sent", it.Outcome, it.Reason)
	}
}

func TestARepublishSendsWhatWasPublished(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"publish":"suppress","transform":{"mergePatch":{"price":-1}},"reason":"what if"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	n := len(e.Published)
	id = ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"reason":"downstream lost it"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	for _, p := range e.Published[n:] {
		if strings.Contains(*p.Message, "-1") {
			t.Errorf("sent the output of a suppressed, patched try: %s", *p.Message)
		}
	}
}

func TestARepublishOfATryOnlySaysThatThereIsNothing(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing("InvalidListing", func(x string) bool { return x != "live-1" })
	e.Ingest("live-1", sale(1))
	e.Report()
	ask(t, e, `{"select":{"resourceIds":["r1"]},"publish":"suppress","reason":"what if"}`)
	e.Pump()
	id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"reason":"x"}`)
	e.Pump()
	if it := list(t, e, id, "")[0]; it.Outcome != replay.Skipped || len(e.Published) != 0 {
		t.Errorf("got %s (%s), %d published, want it skipped", it.Outcome, it.Reason, len(e.Published))
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
