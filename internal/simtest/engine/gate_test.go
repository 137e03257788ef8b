package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sns"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

type slowStore struct {
	*eventlog.Log
	during func()
}

func (s slowStore) PutObject(ctx context.Context, key string, doc []byte) error {
	s.during()
	return s.Log.PutObject(ctx, key, doc)
}

// between publishes a newer event while Publish stores the output of an older one. It returns how often the older one
// was published.
func between(t *testing.T, e *Engine, older string) int {
	t.Helper()
	once := true
	normal := e.Publisher
	e.Publisher = ingest.NewPublisher(sns.New(e, "arn:aws:sns:us-east-1:000000000000:topic"), slowStore{e.Log, func() {
		if !once {
			return
		}
		once = false
		e.Publisher = normal
		backoff() // no two events start at the same time
		run(t, e, "live-9", sale(9))
	}}, e.Book.Executions, outcome.NewPublishGate(e.Book.Publications, nil), ingest.PublishOptions{StoreOutputs: true, SupersedeOlder: true}, nil, nil)
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
		if n := between(t, e, domain.AutoName("live-1", 1)); n != 0 {
			t.Errorf("published %d messages after a newer event", n)
		}
	})
	t.Run("by a restart", func(t *testing.T) {
		e := inMemory(t)
		e.Listen(neverRecorded(t, e, sale(1))...)
		if n := between(t, e, domain.AutoName("live-1", 1)); n != 0 {
			t.Errorf("published %d messages after a newer event", n)
		}
	})
	for allow, want := range map[bool]int{false: 0, true: 1} {
		t.Run(fmt.Sprintf("by a requested replay, allowStale %t", allow), func(t *testing.T) {
			e := inMemory(t)
			history(t, e, "r1", 1)
			id := ask(t, e, fmt.Sprintf(`{"select":{"resourceIds":["r1"]},"allowStale":%t,"reason":"x"}`, allow))
			e.Listen(drainToItems(t, e)...)
			name := e.Machine.Names(domain.APIPrefix)[0]
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
			gate := outcome.NewPublishGate(e.Book.Publications, nil)
			slept := time.Duration(0)
			now := time.Now()
			gate.Now = func() time.Time { return now.Add(slept) }
			place := domain.At(now)
			older := domain.Execution{Name: "ar-1", Mode: domain.Auto, ResourceID: "r1", Place: place}
			newer := domain.Execution{Name: "live-2", Mode: domain.Live, ResourceID: "r1", StartedAt: domain.At(now.Add(time.Second))}
			var order []string
			send := func(name string) func(context.Context) error {
				return func(context.Context) error { order = append(order, name); return nil }
			}
			lock := domain.PublicationLock{ResourceID: "r1", Execution: older.Name, Place: place, MayFollow: place, Now: now, Until: now.Add(10 * time.Second)}
			if _, err := e.Book.Publications.Lock(t.Context(), lock); err != nil {
				t.Fatal(err)
			}
			gate.Sleep = func(ctx context.Context, d time.Duration) error {
				if slept += d; !dies && slept > time.Second {
					order = append(order, older.Name)
					return e.Book.Publications.Unlock(ctx, "r1", older.Name)
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

// SNS did not answer a replay that publishes. Its request may still be in progress, so a newer event waits until the
// lock ends.
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
			gate := outcome.NewPublishGate(e.Book.Publications, nil)
			began, slept := time.Now(), time.Duration(0)
			gate.Now = func() time.Time { return began.Add(slept) }
			gate.Sleep = func(_ context.Context, d time.Duration) error { slept += d; return nil }
			older := domain.Execution{Name: "ar-1", Mode: domain.Auto, ResourceID: "r1", Place: domain.At(began)}
			newer := domain.Execution{Name: "live-2", Mode: domain.Live, ResourceID: "r1", StartedAt: domain.At(began.Add(time.Second))}
			refuse := func(context.Context) error { return tt.err }
			if sent, err := gate.Pass(t.Context(), older, true, refuse); sent || !errors.Is(err, tt.err) {
				t.Fatalf("got %t, %v, want its error", sent, err)
			}
			send := func(context.Context) error { return nil }
			if sent, err := gate.Pass(t.Context(), newer, false, send); !sent || err != nil || (slept > 9*time.Second) != tt.waits {
				t.Errorf("got %t, %v after %s, want it sent after the lock: %t", sent, err, slept, tt.waits)
			}
			if sent, err := gate.Pass(t.Context(), older, true, send); sent || err != nil {
				t.Errorf("the older one passed after the newer: %t, %v", sent, err)
			}
		})
	}
}
