package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

var startTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// memory is an event log and a ledger in one. Its fail function can break any call.
type memory struct {
	versions []eventlog.Version
	bodies   []string
	objects  map[string]string
	rows     map[string]domain.Execution
	owned    map[string]string
	deleted  map[string]bool
	fail     func(op string) error
	meter    *emf.Meter
}

func newMemory() *memory {
	return &memory{
		objects: map[string]string{}, rows: map[string]domain.Execution{}, owned: map[string]string{},
		fail: func(string) error { return nil },
	}
}

func (m *memory) Put(_ context.Context, _ string, event []byte, meta eventlog.Meta) (string, error) {
	id := fmt.Sprint("v", len(m.versions))
	m.versions = append(m.versions, eventlog.Version{ID: id, Meta: meta, Modified: meta.RecordedAt})
	m.bodies = append(m.bodies, string(event))
	return id, m.fail("Put") // a lost answer: the effect is there, the caller sees an error
}

func (m *memory) FindExecution(_ context.Context, _, execution string, _ time.Time) (eventlog.Version, error) {
	for _, v := range m.versions {
		if v.Execution == execution {
			return v, nil
		}
	}
	return eventlog.Version{}, eventlog.ErrNotFound
}

func (m *memory) DeletedSince(_ context.Context, resourceID string, _ time.Time) (bool, error) {
	return m.deleted[resourceID], nil
}

func (m *memory) Object(_ context.Context, key string) ([]byte, error) {
	body, ok := m.objects[key]
	if !ok {
		return nil, eventlog.ErrNotFound
	}
	return []byte(body), m.fail("Object")
}

func (m *memory) Get(_ context.Context, name string) (domain.Execution, error) {
	row, ok := m.rows[name]
	if !ok {
		return row, ledger.ErrNotFound
	}
	return row, m.fail("Get")
}

func (m *memory) Add(_ context.Context, e domain.Execution) (domain.Execution, error) {
	if row, ok := m.rows[e.Name]; ok {
		return row, ledger.ErrConflict
	}
	m.rows[e.Name] = e
	return e, m.fail("Add")
}

func (m *memory) MarkRunning(_ context.Context, r domain.Recorded) (domain.Execution, error) {
	row := m.rows[r.Name]
	if row.Status.Terminal() {
		return row, ledger.ErrConflict
	}
	row.Status = domain.Running
	if r.VersionID != "" {
		row.VersionID, row.ResourceID, row.OwnerID = r.VersionID, r.ResourceID, r.OwnerID
	}
	m.rows[r.Name] = row
	return row, m.fail("MarkRunning")
}

func (m *memory) SetRecorded(_ context.Context, r domain.Recorded) (domain.Execution, error) {
	row := m.rows[r.Name]
	row.VersionID, row.ResourceID, row.OwnerID = r.VersionID, r.ResourceID, r.OwnerID
	m.rows[r.Name] = row
	return row, nil
}

func (m *memory) Note(_ context.Context, owner, resource string, _ domain.Stamp) error {
	m.owned[owner] = resource
	return m.fail("Note")
}

func input(name, event string) protocol.RecordInput {
	return protocol.RecordInput{
		Input:     json.RawMessage(event),
		Execution: protocol.ExecutionContext{ARN: "arn:" + name, Name: name, StartTime: startTime},
	}
}

func handle(t *testing.T, m *memory, in protocol.RecordInput) (protocol.RecordOutput, string, error) {
	t.Helper()
	out, err := NewEventRecorder(m, m, m, mustReader(t), nil, m.meter).Handle(t.Context(), in)
	var named messages.InvokeResponse_Error
	if err != nil && !errors.As(err, &named) {
		t.Fatalf("the error %v has no name for Step Functions", err)
	}
	return out, named.Type, err
}

const big = `{"listing":{"id":"r1","agencyId":"a1"},"n":12345678901234567890123456789,"d":1.10,"t":"<b>&"}`

func TestALiveEventIsRecordedOnce(t *testing.T) {
	m := newMemory()
	out, _, err := handle(t, m, input("e1", big))
	if err != nil {
		t.Fatal(err)
	}
	row := m.rows["e1"]
	if string(out.Event) != big || len(m.bodies) != 1 || m.bodies[0] != big {
		t.Errorf("event changed on its way: out %s, log %v", out.Event, m.bodies)
	}
	if out.Ingestion.ResourceID != "r1" || *out.Ingestion.OwnerID != "a1" || out.Ingestion.VersionID != "v0" || out.Ingestion.Replay != nil {
		t.Errorf("got ingestion %+v", out.Ingestion)
	}
	if row.Mode != domain.Live || row.Status != domain.Running || row.VersionID != "v0" || m.owned["a1"] != "r1" {
		t.Errorf("got row %+v, owners %v", row, m.owned)
	}
	if got := m.versions[0].Meta; got.Execution != "e1" || got.OwnerID != "a1" || !got.StartedAt.Equal(startTime) {
		t.Errorf("got metadata %+v", got)
	}
}

var unavailable = &smithy.GenericAPIError{Code: "ServiceUnavailable", Message: "slow down"}

// Every place where an attempt can die: what the next attempt finds must lead to one version.
func TestARetryFindsWhatTheFirstAttemptWrote(t *testing.T) {
	for _, op := range []string{"Put", "Note", "Add"} {
		t.Run("answer of "+op+" lost", func(t *testing.T) {
			m := newMemory()
			m.fail = func(got string) error {
				if got == op {
					return unavailable
				}
				return nil
			}
			in := input("e1", big)
			_, name, err := handle(t, m, in)
			if name != errs.ServiceUnavailable {
				t.Fatalf("got %v, want %s, which the state machine retries", err, errs.ServiceUnavailable)
			}
			m.fail = func(string) error { return nil }
			in.RetryCount = 1
			out, _, err := handle(t, m, in)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.versions) != 1 || out.Ingestion.VersionID != "v0" || m.rows["e1"].VersionID != "v0" {
				t.Errorf("%d versions, version %s handed on, %s in the ledger; want one", len(m.versions), out.Ingestion.VersionID, m.rows["e1"].VersionID)
			}
		})
	}
}

// late is a log to which the write of an earlier attempt comes only when this one has found nothing and writes.
type late struct{ *memory }

func (l late) Put(ctx context.Context, id string, event []byte, meta eventlog.Meta) (string, error) {
	earlier := meta
	earlier.RecordedAt = meta.RecordedAt.Add(-time.Second)
	if _, err := l.memory.Put(ctx, id, event, earlier); err != nil {
		return "", err
	}
	return l.memory.Put(ctx, id, event, meta)
}

func TestALateWriteOfAnEarlierAttemptCounts(t *testing.T) {
	m := newMemory()
	in := input("e1", big)
	in.RetryCount = 1
	out, err := NewEventRecorder(late{m}, m, m, mustReader(t), nil, nil).Handle(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	row := m.rows["e1"]
	if out.Ingestion.VersionID != "v0" || row.VersionID != "v0" || !row.RecordedAt.Equal(domain.At(m.versions[0].RecordedAt).Time) {
		t.Errorf("version %s handed on, %s of %s in the ledger, want the older one: %+v", out.Ingestion.VersionID, row.VersionID,
			row.RecordedAt, m.versions)
	}
}

// A repeated invocation that Step Functions does not count (the same payload again) writes a second version, which
// the ledger does not take: the execution keeps the first.
func TestARepeatedInvocationKeepsTheFirstVersion(t *testing.T) {
	m := newMemory()
	for range 2 {
		out, _, err := handle(t, m, input("e1", big))
		if err != nil || out.Ingestion.VersionID != "v0" {
			t.Fatalf("got version %s, %v, want v0", out.Ingestion.VersionID, err)
		}
	}
}

func TestFaultsHaveNames(t *testing.T) {
	m := newMemory()
	m.fail = func(op string) error {
		if op == "Put" {
			return &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
		}
		return nil
	}
	if _, name, err := handle(t, m, input("e1", big)); name != errs.Internal {
		t.Errorf("a missing permission: got %v, want %s, which is not retried", err, errs.Internal)
	}
	if _, name, _ := handle(t, newMemory(), input("e1", `{}`)); name != errs.InvalidEvent {
		t.Errorf("no id: got %q, want %s", name, errs.InvalidEvent)
	}
}

func replayInput(t *testing.T, h protocol.EnvelopeHeader, event string) protocol.RecordInput {
	t.Helper()
	raw := []byte(event)
	if event == "" {
		raw = nil
	}
	body, err := protocol.BuildEnvelope(h, raw)
	if err != nil {
		t.Fatal(err)
	}
	return input("rp-1", string(body))
}

func announced() (domain.Execution, protocol.EnvelopeHeader) {
	row := domain.Execution{
		Name: "rp-1", Mode: domain.API, Status: domain.Starting, ResourceID: "r1", VersionID: "v7", ReplayID: "01J", Reason: "why",
	}
	return row, protocol.EnvelopeHeader{Mode: "api", ResourceID: "r1", VersionID: "v7", ReplayID: "01J", Reason: "why"}
}

func TestAnAnnouncedReplayIsAcceptedAndWritesNoVersion(t *testing.T) {
	m := newMemory()
	row, h := announced()
	m.rows["rp-1"] = row
	out, _, err := handle(t, m, replayInput(t, h, big))
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Event) != big || out.Ingestion.Replay == nil || out.Ingestion.Replay.Reason != "why" || out.Ingestion.VersionID != "v7" {
		t.Errorf("got %s and %+v", out.Event, out.Ingestion)
	}
	if len(m.versions) != 0 || m.rows["rp-1"].Status != domain.Running {
		t.Errorf("%d versions written, status %s; want none and RUNNING", len(m.versions), m.rows["rp-1"].Status)
	}
}

func TestAnEventThatDidNotFitIsFetched(t *testing.T) {
	m := newMemory()
	row, h := announced()
	m.rows["rp-1"] = row
	h.EventKey = "derived/rp-1"
	m.objects["derived/rp-1"] = big
	out, _, err := handle(t, m, replayInput(t, h, ""))
	if err != nil || string(out.Event) != big {
		t.Errorf("got %s, %v, want the stored event", out.Event, err)
	}
}

func TestForgedEnvelopesAreRefused(t *testing.T) {
	tests := []struct {
		name   string
		row    func(*domain.Execution)
		header func(*protocol.EnvelopeHeader)
		raw    string
		says   string
	}{
		{name: "nothing announced", row: func(r *domain.Execution) { r.Name = "other" }, says: "no replay was announced"},
		{name: "a live execution's row", row: func(r *domain.Execution) { r.Mode = domain.Live }, says: "what was announced is"},
		{name: "a restarted execution's row", row: func(r *domain.Execution) { r.Mode = domain.Restart }, says: "what was announced is"},
		{name: "another resource", header: func(h *protocol.EnvelopeHeader) { h.ResourceID = "r2" }, says: "another version"},
		{name: "another version", header: func(h *protocol.EnvelopeHeader) { h.VersionID = "v8" }, says: "another version"},
		{name: "another replay", header: func(h *protocol.EnvelopeHeader) { h.ReplayID = "01K" }, says: "another replay"},
		{name: "another attempt", header: func(h *protocol.EnvelopeHeader) { h.Attempt = 2 }, says: "another replay"},
		{name: "an event of another execution", header: func(h *protocol.EnvelopeHeader) { h.EventKey = "derived/rp-2" }, says: "another execution"},
		{name: "no envelope at all", raw: `{"replayableIngestion":true,"listing":{"id":"r1"}}`, says: "malformed envelope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory()
			row, h := announced()
			if tt.row != nil {
				tt.row(&row)
			}
			if tt.header != nil {
				tt.header(&h)
			}
			m.rows[row.Name] = row
			event := big
			if h.EventKey != "" {
				event = ""
			}
			in := replayInput(t, h, event)
			if tt.raw != "" {
				in = input("rp-1", tt.raw)
			}
			_, name, err := handle(t, m, in)
			if name != errs.InvalidEvent || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("got %v, want %s that says %q", err, errs.InvalidEvent, tt.says)
			}
			if len(m.versions) != 0 {
				t.Errorf("a forged replay wrote a version")
			}
		})
	}
}

func TestARestartedEventIsRecordedUnderItsLineage(t *testing.T) {
	m := newMemory()
	m.rows["ar-1"] = domain.Execution{Name: "ar-1", Mode: domain.Restart, Status: domain.Starting, Root: "e0", Attempt: 1, Reason: "failed"}
	out, _, err := handle(t, m, input("ar-1", big))
	if err != nil {
		t.Fatal(err)
	}
	row := m.rows["ar-1"]
	if len(m.versions) != 1 || row.VersionID != "v0" || row.ResourceID != "r1" || row.Root != "e0" || row.Attempt != 1 {
		t.Errorf("%d versions, row %+v; want one version under the announced row", len(m.versions), row)
	}
	if out.Ingestion.Replay == nil || out.Ingestion.Replay.Mode != "auto" {
		t.Errorf("got replay %+v, want an automatic one", out.Ingestion.Replay)
	}
}

func TestARedrivenRestartIsRecordedAndKeepsItsStatus(t *testing.T) {
	m := newMemory()
	m.rows["ar-1"] = domain.Execution{Name: "ar-1", Mode: domain.Restart, Status: domain.Failed, Root: "e0", Attempt: 1}
	in := input("ar-1", big)
	in.Execution.RedriveCount = 1
	if out, _, err := handle(t, m, in); err != nil || out.Ingestion.VersionID != "v0" {
		t.Fatalf("got %+v, %v, want the version", out.Ingestion, err)
	}
	if row := m.rows["ar-1"]; row.Status != domain.Failed || row.VersionID != "v0" {
		t.Errorf("got %+v, want the version, and the status as RecordOutcome left it", row)
	}
}

func TestALiveEventUnderTheNameOfAReplayIsRefused(t *testing.T) {
	m := newMemory()
	row, _ := announced()
	m.rows["rp-1"] = row
	if _, name, err := handle(t, m, input("rp-1", big)); name != errs.InvalidEvent {
		t.Errorf("got %v, want %s", err, errs.InvalidEvent)
	}
}

func TestARedrivenReplayKeepsItsStatus(t *testing.T) {
	m := newMemory()
	row, h := announced()
	row.Status = domain.Failed
	m.rows["rp-1"] = row
	in := replayInput(t, h, big)
	in.Execution.RedriveCount = 1
	if out, _, err := handle(t, m, in); err != nil || string(out.Event) != big {
		t.Errorf("got %s, %v, want the event", out.Event, err)
	}
}

func TestARestartedEventKeepsItsPlace(t *testing.T) {
	m := newMemory()
	place := domain.At(startTime.Add(-time.Hour))
	m.rows["ar-1"] = domain.Execution{Name: "ar-1", Mode: domain.Restart, Status: domain.Starting, Root: "e1", Attempt: 1, Place: place}
	if _, _, err := handle(t, m, input("ar-1", `{"listing":{"id":"a"}}`)); err != nil {
		t.Fatal(err)
	}
	if got := m.versions[0].Place(); !got.Equal(place.Time) {
		t.Errorf("its version stands at %s, want %s, when its first execution started", got, place)
	}
}

func TestARestartDoesNotBringBackWhatWasDeleted(t *testing.T) {
	m := newMemory()
	m.deleted = map[string]bool{"a": true}
	m.rows["ar-1"] = domain.Execution{
		Name: "ar-1", Mode: domain.Restart, Status: domain.Starting, Root: "e1", Attempt: 1, Place: domain.At(startTime),
	}
	_, name, err := handle(t, m, input("ar-1", `{"listing":{"id":"a"}}`))
	if name != errs.ResourceDeleted || len(m.versions) != 0 {
		t.Errorf("got %v and %d versions, want %s and none", err, len(m.versions), errs.ResourceDeleted)
	}
	if _, _, err := handle(t, m, input("live-2", `{"listing":{"id":"a"}}`)); err != nil {
		t.Errorf("a producer sent the resource anew: %v", err)
	}
}

// Whichever answer is lost, a correction is one version, marked as what it is, at the place that was announced.
func TestACorrectionIsRecordedOnceAndMarked(t *testing.T) {
	place := domain.PlaceBehind(startTime.Add(-time.Hour))
	for _, op := range []string{"", "Put", "Note", "MarkRunning"} {
		m := newMemory()
		m.rows["rp-1"] = domain.Execution{
			Name: "rp-1", Mode: domain.API, Status: domain.Starting, ResourceID: "r1", Place: place, ReplayID: "01J",
			Corrects: "v7", RequestedBy: "ada", Reason: "a typo",
		}
		m.fail = func(got string) error {
			if got == op {
				return unavailable
			}
			return nil
		}
		m.objects["derived/rp-1"] = big
		in := replayInput(t, protocol.EnvelopeHeader{
			Mode: "api", ResourceID: "r1", ReplayID: "01J", CorrectionOf: "v7", EventKey: "derived/rp-1",
		}, "")
		out, _, err := handle(t, m, in)
		if op != "" {
			if err == nil {
				t.Fatalf("%s failed, and Record did not", op)
			}
			m.fail = func(string) error { return nil }
			in.RetryCount = 1
			out, _, err = handle(t, m, in)
		}
		if err != nil || string(out.Event) != big || out.Ingestion.VersionID != "v0" || out.Ingestion.Replay.Reason != "a typo" ||
			out.Ingestion.Replay.CorrectionOf != "v7" {
			t.Fatalf("%s: got %+v, %v, want the version v0", op, out.Ingestion, err)
		}
		want := eventlog.Correction{Of: "v7", By: "ada", Reason: "a typo", ReplayID: "01J"}
		if row := m.rows["rp-1"]; len(m.versions) != 1 || row.VersionID != "v0" || row.Status != domain.Running {
			t.Errorf("%s: got %d versions, row %+v, want one", op, len(m.versions), row)
		} else if v := m.versions[0]; v.Correction != want || !v.Place().Equal(place.Time) {
			t.Errorf("%s: got %+v at %s, want %+v at %s", op, v.Correction, v.Place(), want, place)
		}
	}
}

// Nobody else's event is recorded in the name of a correction.
func TestACorrectionIsNotForged(t *testing.T) {
	header := protocol.EnvelopeHeader{
		Mode: "api", ResourceID: "r1", ReplayID: "01J", CorrectionOf: "v7", EventKey: "derived/rp-1",
	}
	changed := func(change func(*protocol.EnvelopeHeader)) protocol.RecordInput {
		h := header
		change(&h)
		event := ""
		if h.EventKey == "" {
			event = big
		}
		return replayInput(t, h, event)
	}
	for name, in := range map[string]protocol.RecordInput{
		"a plain event":        input("rp-1", big),
		"an event of its own":  changed(func(h *protocol.EnvelopeHeader) { h.EventKey = "" }),
		"another version":      changed(func(h *protocol.EnvelopeHeader) { h.CorrectionOf = "v8" }),
		"a replay":             changed(func(h *protocol.EnvelopeHeader) { h.CorrectionOf = "" }),
		"another resource":     changed(func(h *protocol.EnvelopeHeader) { h.ResourceID = "r2" }),
		"another event's key":  changed(func(h *protocol.EnvelopeHeader) { h.EventKey = "derived/rp-2" }),
		"another replay of it": changed(func(h *protocol.EnvelopeHeader) { h.ReplayID = "01K" }),
	} {
		m := newMemory()
		m.objects["derived/rp-1"], m.objects["derived/rp-2"] = big, big
		m.rows["rp-1"] = domain.Execution{
			Name: "rp-1", Mode: domain.API, Status: domain.Starting, ResourceID: "r1", ReplayID: "01J", Corrects: "v7",
		}
		if _, got, err := handle(t, m, in); got != errs.InvalidEvent || len(m.versions) != 0 {
			t.Errorf("%s: got %v and %d versions, want %s and none", name, err, len(m.versions), errs.InvalidEvent)
		}
	}
}
