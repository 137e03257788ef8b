package outcome_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// objects counts lists.
type objects struct {
	*awstest.Bucket
	lists int
}

func (o *objects) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, options ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	o.lists++
	return o.Bucket.ListObjectVersions(ctx, in, options...)
}

// world is a resource with executions a, b and so on, each a minute after the one before.
type world struct {
	*testing.T
	objects     *objects
	log         *eventlog.Log
	book        *ledger.Ledger
	superseding *outcome.Superseding
	first       map[string]string // version by execution
}

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func startOf(execution string) time.Time {
	return start.Add(time.Duration(execution[0]-'a') * time.Minute)
}

func newWorld(t *testing.T) *world {
	o := &objects{Bucket: awstest.NewBucket()}
	w := &world{T: t, objects: o, log: eventlog.New(o, "events"), book: ledger.New(awstest.NewTable(), "ledger"), first: map[string]string{}}
	w.superseding = outcome.NewSuperseding(w.log, w.book.Executions)
	return w
}

// put writes a version of an execution's event a while after the first one was recorded.
func (w *world) put(execution string, after time.Duration) string {
	w.Helper()
	at := startOf(execution).Add(after)
	w.objects.Now = func() time.Time { return at }
	id, err := w.log.Put(w.Context(), "r", []byte(`{}`), eventlog.Meta{Execution: execution, StartedAt: startOf(execution), RecordedAt: at})
	if err != nil {
		w.Fatal(err)
	}
	if w.first[execution] == "" {
		w.first[execution] = id
	}
	return id
}

// enter writes an execution's row, of a version that was recorded a while after its start, and publishes it.
func (w *world) enter(execution, version string, after time.Duration, published bool) {
	w.Helper()
	row, err := w.book.Executions.Add(w.Context(), domain.Execution{
		Name: execution, ARN: execution, Mode: domain.Live, Status: domain.Running, ResourceID: "r", VersionID: version,
		StartedAt: domain.At(startOf(execution)), RecordedAt: domain.At(startOf(execution).Add(after)),
	})
	if err != nil {
		w.Fatal(err)
	}
	if !published {
		return
	}
	now := startOf(execution).Add(after + time.Second)
	if _, err := w.book.Executions.MarkPublished(w.Context(), row, domain.Published{Name: execution, At: now, Now: now}); err != nil {
		w.Fatal(err)
	}
}

// wants checks which version supersedes a version.
func (w *world) wants(version, by string) {
	w.Helper()
	got, found, err := w.superseding.Responsible(w.Context(), "r", version)
	if err != nil || found != (by != "") || got.ID != by {
		w.Errorf("got %q, %t, %v, want %q", got.ID, found, err, by)
	}
}

func TestNothingIsNewerThanTheNewest(t *testing.T) {
	w := newWorld(t)
	a := w.put("a", time.Second)
	w.enter("a", a, time.Second, true)
	b := w.put("b", time.Second)
	w.enter("b", b, time.Second, true)
	w.wants(b, "")
	if w.objects.lists != 0 {
		t.Errorf("%d lists, want none", w.objects.lists)
	}
	w.wants(a, b)
}

// Record's clock may be far behind that of Step Functions. A version may then be recorded before its execution started.
func TestAnEventRecordedBeforeItsStartIsDecided(t *testing.T) {
	w := newWorld(t)
	a := w.put("a", -time.Minute)
	w.enter("a", a, -time.Minute, true)
	w.wants(a, "")
}

// A late write of an execution's first attempt lands after a newer event.
func TestALateSecondVersionHidesNoNewerEvent(t *testing.T) {
	w := newWorld(t)
	a := w.put("a", time.Second)
	w.enter("a", a, time.Second, false)
	b := w.put("b", time.Second)
	w.enter("b", b, time.Second, true)
	w.put("a", 5*time.Minute)
	w.wants(a, b)
}

// As above, but the ledger has the late version, as when an invocation was repeated without being counted.
func TestAnEnteredSecondVersionHidesNoNewerEvent(t *testing.T) {
	w := newWorld(t)
	w.put("a", time.Second)
	b := w.put("b", time.Second)
	w.enter("b", b, time.Second, true)
	late := w.put("a", 5*time.Minute)
	w.enter("a", late, 5*time.Minute, false)
	w.wants(late, b)
}

func TestADeletedResourceHasNoResponsibleVersion(t *testing.T) {
	w := newWorld(t)
	a := w.put("a", time.Second)
	b := w.put("b", time.Second)
	w.enter("b", b, time.Second, true)
	key, err := replay.EventKey("r")
	if err != nil {
		t.Fatal(err)
	}
	w.objects.Delete(key)
	for _, version := range []string{a, b} {
		if _, found, err := w.superseding.Responsible(t.Context(), "r", version); !errors.Is(err, eventlog.ErrDeleted) || found {
			t.Errorf("version %s: got %t, %v, want ErrDeleted", version, found, err)
		}
	}
	if _, found, err := w.superseding.Later(t.Context(), "r", startOf("a")); !errors.Is(err, eventlog.ErrDeleted) || found {
		t.Errorf("an event that never reached the log: got %t, %v, want ErrDeleted", found, err)
	}
	at := startOf("c")
	w.put("c", time.Second)
	if by, found, err := w.superseding.Later(t.Context(), "r", startOf("a")); err != nil || by.Execution != "c" || !found {
		t.Errorf("an event came after the deletion: got %q, %t, %v", by.Execution, found, err)
	}
	if _, found, err := w.superseding.Later(t.Context(), "r", at); err != nil || found {
		t.Errorf("nothing came after that: got %t, %v", found, err)
	}
}

// A restarted event reaches the log after newer ones.
func TestARestartedEventIsOldAtAnyPosition(t *testing.T) {
	w := newWorld(t)
	b := w.put("b", time.Second)
	w.enter("b", b, time.Second, true)
	at := startOf("z")
	w.objects.Now = func() time.Time { return at }
	late, err := w.log.Put(t.Context(), "r", []byte(`{}`), eventlog.Meta{
		Execution: "ar-1", StartedAt: at, RecordedAt: at, FirstStartedAt: startOf("a"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.wants(late, b)
	w.wants(b, "")
}

func TestAVersionThatIsGoneIsNotFound(t *testing.T) {
	w := newWorld(t)
	w.put("a", time.Second)
	if _, _, err := w.superseding.Responsible(t.Context(), "r", "v999999"); err == nil {
		t.Error("a version that there is not was judged")
	}
}

func TestAnAbortedExecutionIsNotResponsible(t *testing.T) {
	w := newWorld(t)
	a, b := w.put("a", time.Second), w.put("b", time.Second)
	w.enter("b", b, time.Second, false)
	if _, err := w.book.Executions.RecordOutcome(t.Context(), domain.Ended{Name: "b", ARN: "b", Status: domain.Aborted, StoppedAt: startOf("b").Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	w.wants(a, "")
}
