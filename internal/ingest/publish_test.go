package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/aws/sns"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

var recorded = domain.At(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))

// world is everything around the Publish state.
type world struct {
	topicARN  string
	row       domain.Execution
	newer     bool // a newer event was published
	deleted   bool
	sent      []*awssns.PublishInput
	stored    map[string]string
	sendErr   error
	markErr   error
	judged    int
	published *domain.Published
	meter     *emf.Meter
}

func (w *world) Publish(_ context.Context, in *awssns.PublishInput, _ ...func(*awssns.Options)) (*awssns.PublishOutput, error) {
	if w.sendErr != nil {
		return nil, w.sendErr
	}
	w.sent = append(w.sent, in)
	return &awssns.PublishOutput{}, nil
}

func (w *world) PutObject(_ context.Context, key string, document []byte) error {
	w.stored[key] = string(document)
	return nil
}

func (w *world) Get(context.Context, string) (domain.Execution, error) { return w.row, nil }

func (w *world) MarkPublished(_ context.Context, e domain.Execution, p domain.Published) (domain.Execution, error) {
	if w.markErr != nil {
		return e, w.markErr
	}
	w.published = &p
	w.row.PublishedAt, w.row.Superseded = domain.At(p.At), p.Withheld != ""
	return w.row, nil
}

func (w *world) Pass(ctx context.Context, _ domain.Execution, guarded bool, send func(context.Context) error) (bool, error) {
	if guarded {
		if w.judged++; w.newer {
			return false, nil
		}
	}
	return true, send(ctx)
}

func (w *world) DeletedSince(context.Context, string, time.Time) (bool, error) { return w.deleted, nil }

func newWorld(mode domain.Mode) *world {
	row := domain.Execution{
		Name: "e1", Mode: mode, Status: domain.Running, ResourceID: "listing 7", OwnerID: "Zürich", VersionID: "v1", RecordedAt: recorded,
	}
	if mode != domain.Live {
		row.Reason, row.Attempt, row.ReplayID = "why", 2, "01J"
	}
	return &world{row: row, stored: map[string]string{}}
}

func (w *world) handle(t *testing.T, opts PublishOptions, output string) error {
	t.Helper()
	if w.topicARN == "" {
		w.topicARN = "arn:aws:sns:eu-west-1:000000000000:topic"
	}
	p := NewPublisher(sns.New(w, w.topicARN), w, w, w, opts, nil, w.meter)
	return p.Handle(t.Context(), protocol.PublishInput{Output: json.RawMessage(output), Execution: protocol.ExecutionContext{Name: "e1"}})
}

func attrs(in *awssns.PublishInput) map[string]string {
	m := map[string]string{}
	for k, v := range in.MessageAttributes {
		m[k] = *v.StringValue
	}
	return m
}

func TestALiveOutputIsPublished(t *testing.T) {
	w := newWorld(domain.Live)
	const output = `{"n":12345678901234567890,"html":"<b>&"}`
	if err := w.handle(t, PublishOptions{StoreOutputs: true, SupersedeOlder: true}, output); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"resourceId": "listing 7", "ownerId": "Zürich", "versionId": "v1", "recordedAt": "2026-01-02T03:04:05.678Z",
		"execution": "e1", "isReplay": "false",
	}
	if got := attrs(w.sent[0]); fmt.Sprint(got) != fmt.Sprint(want) || *w.sent[0].Message != output {
		t.Errorf("got %s with %v, want the output with %v", *w.sent[0].Message, got, want)
	}
	if w.stored["outputs/e1"] != output || w.published.OutputKey != "outputs/e1" || w.judged != 0 {
		t.Errorf("stored %v, marked %+v, judged %d times; want the output stored and no look for newer events", w.stored, w.published, w.judged)
	}
}

func TestAReplayIsMarkedAsOne(t *testing.T) {
	w := newWorld(domain.API)
	w.newer, w.row.AllowStale = true, true // a person asked for it all the same
	if err := w.handle(t, PublishOptions{SupersedeOlder: true}, `{}`); err != nil {
		t.Fatal(err)
	}
	got := attrs(w.sent[0])
	if got["isReplay"] != "true" || got["replayId"] != "01J" || got["reason"] != "why" || got["attempt"] != "2" {
		t.Errorf("got %v, want the marks of a replay", got)
	}
	if len(got) > 10 {
		t.Errorf("%d attributes: raw delivery to SQS takes 10 and drops the message beyond", len(got))
	}
	if len(w.stored) != 0 {
		t.Errorf("stored %v although outputs are not to be kept", w.stored)
	}
}

func TestALateAutomaticReplayIsSuperseded(t *testing.T) {
	for _, tt := range []struct {
		name      string
		supersede bool
		sent      int
	}{{"when newer events replace older ones", true, 0}, {"but not when every event counts", false, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(domain.Auto)
			w.newer = true
			if err := w.handle(t, PublishOptions{SupersedeOlder: tt.supersede}, `{}`); err != nil {
				t.Fatal(err)
			}
			if len(w.sent) != tt.sent || (w.published.Withheld == overtaken) != tt.supersede || w.published.At.IsZero() != tt.supersede {
				t.Errorf("sent %d, marked %+v", len(w.sent), w.published)
			}
		})
	}
}

func TestAReplayThatMustNotFollowIsWithheld(t *testing.T) {
	for _, tt := range []struct {
		name     string
		mode     domain.Mode
		deleted  bool
		withheld string
	}{
		{"a replay by the API without allowStale after a newer event", domain.API, false, overtaken},
		{"a restart after a newer event", domain.Restart, false, overtaken},
		{"an automatic replay of what was deleted", domain.Auto, true, eventlog.WasDeleted},
		{"a replay by the API of what was deleted", domain.API, true, eventlog.WasDeleted},
		{"a restart of what was deleted", domain.Restart, true, eventlog.WasDeleted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(tt.mode)
			w.newer, w.deleted = !tt.deleted, tt.deleted
			if err := w.handle(t, PublishOptions{SupersedeOlder: true}, `{}`); err != nil {
				t.Fatal(err)
			}
			if len(w.sent) != 0 || w.published.Withheld != tt.withheld || !w.published.At.IsZero() {
				t.Errorf("sent %d, marked %+v, want it withheld: %s", len(w.sent), w.published, tt.withheld)
			}
		})
	}
}

func TestARepeatedAttemptPublishesOnce(t *testing.T) {
	w := newWorld(domain.Live)
	for range 2 {
		if err := w.handle(t, PublishOptions{}, `{}`); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.sent) != 1 {
		t.Errorf("sent %d messages, want 1", len(w.sent))
	}
}

func TestAFIFOTopicIsGroupedByResource(t *testing.T) {
	w := newWorld(domain.Live)
	w.row.ResourceID = strings.Repeat("r", 1000)
	w.topicARN = "arn:aws:sns:eu-west-1:000000000000:topic.fifo"
	if err := w.handle(t, PublishOptions{}, `{}`); err != nil {
		t.Fatal(err)
	}
	group := *w.sent[0].MessageGroupId
	if len(group) > 128 || *w.sent[0].MessageDeduplicationId != "e1" {
		t.Errorf("group %q of %d characters, deduplication id %q", group, len(group), *w.sent[0].MessageDeduplicationId)
	}
}

func TestFaults(t *testing.T) {
	w := newWorld(domain.Live)
	err := w.handle(t, PublishOptions{}, `"`+strings.Repeat("x", 262_144)+`"`)
	if err == nil || !strings.Contains(fmt.Sprintf("%+v", err), errs.OutputTooLarge) || len(w.sent) != 0 {
		t.Errorf("an output over what SNS takes: got %.200v, want %s", err, errs.OutputTooLarge)
	}
	w.sendErr = context.DeadlineExceeded
	if err := w.handle(t, PublishOptions{}, `{}`); err == nil || !strings.Contains(fmt.Sprintf("%+v", err), errs.ServiceUnavailable) {
		t.Errorf("a passing fault: got %v, want %s", err, errs.ServiceUnavailable)
	}
	w.sendErr = errors.New("no permission")
	if err := w.handle(t, PublishOptions{}, `{}`); err == nil || !strings.Contains(fmt.Sprintf("%+v", err), errs.Internal) {
		t.Errorf("a lasting fault: got %v, want %s", err, errs.Internal)
	}
}

func TestSuppressedReplayIsKeptAndNotSent(t *testing.T) {
	w := newWorld(domain.API)
	w.row.Suppress = true
	for range 2 { // a repeated attempt as well
		if err := w.handle(t, PublishOptions{StoreOutputs: true}, `{"a":1}`); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.sent) != 0 {
		t.Errorf("sent %d messages, want none", len(w.sent))
	}
	if w.published == nil || !w.published.At.IsZero() || w.published.Withheld != "" || w.published.OutputKey == "" {
		t.Errorf("marked %+v, want an output that was not published", w.published)
	}
}

func TestACorrectionIsToldFromOtherReplays(t *testing.T) {
	w := newWorld(domain.API)
	w.row.Corrects, w.row.Attempt = "v0", 0
	if err := w.handle(t, PublishOptions{}, `{}`); err != nil {
		t.Fatal(err)
	}
	if got := attrs(w.sent[0]); got["correctionOf"] != "v0" || got["isReplay"] != "true" || len(got) > 10 {
		t.Errorf("got %v, want a replay that says what it corrects", got)
	}
}

func TestTargetIsAnAttributeOfReplays(t *testing.T) {
	w := newWorld(domain.API)
	w.row.Target = "search"
	if err := w.handle(t, PublishOptions{}, `{}`); err != nil {
		t.Fatal(err)
	}
	if got := *w.sent[0].MessageAttributes["target"].StringValue; got != "search" {
		t.Errorf("target %q, want search", got)
	}
	if n := len(w.sent[0].MessageAttributes); n > 10 {
		t.Errorf("%d attributes, raw delivery takes 10", n)
	}
}
