package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
	"github.com/ce873799/replayable-ingestion/replay"
)

// The test draws failures, the order, number and loss of messages, broken and slow calls, clock differences, and
// operators who abort, redrive, delete and replay. No event is lost, and none runs more often than it may. No replay
// publishes over a newer event, and deleted resources stay deleted.
func TestNoFailureIsLostInAnyWeather(t *testing.T) {
	checks(t, "200") // about 8 s
	flagged(t, "rapid.steps", "60")
	rapid.Check(t, func(rt *rapid.T) {
		bubble(t, func(t *testing.T) {
			o := newStorm(t, rt)
			defer o.threads.Abandon()
			rt.Repeat(o.actions())
			o.calm()
			o.verify()
		})
	})
}

// storm is an ingestion with an unreliable dependency of every event. Its functions run side by side.
type storm struct {
	*Engine
	t       *testing.T
	rt      *rapid.T
	threads *Threads
	up      bool
	poison  map[string]bool // resources whose events always fail
	full    bool            // S3 rejects events
	double  bool            // an index shows each row twice
	lags    bool            // an index shows rows late

	events    []happening
	order     []int // when each event came, as Threads.Now counts
	puts      []put
	deletions map[string]int // when a resource's object was deleted last
	claimed   map[string]bool
	aborted   map[string]bool // executions that were ever aborted

	pending  []string // messages of the Replay queue
	receives map[string]int
	seen     []string
	statuses []simtest.End
	asks     int           // requests
	ahead    time.Duration // the most that the clock was ahead; delayed work waits until that time

	newest   map[string]time.Time      // the newest event that was published of a resource
	sent     map[string]int            // messages by execution
	again    map[string]int            // messages of a republish, by replay and version
	requests map[string]replay.Request // by replay
}

// happening is an event; its number is its place in the list, from 1.
type happening struct {
	id    string
	began time.Time // its first execution
}

// put is a version of an event.
type put struct {
	at        int
	n         int
	execution string
}

// watched reports events that are put into a bucket. It rejects them while it is full.
type watched struct {
	*awstest.Bucket
	full *bool
	put  func(ctx context.Context, execution string, event []byte)
}

func (w watched) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	event := strings.HasPrefix(*in.Key, schema.EventsPrefix)
	if event && *w.full {
		return nil, &unavailable
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	in.Body = strings.NewReader(string(body))
	out, err := w.Bucket.PutObject(ctx, in)
	if err == nil && event {
		w.put(ctx, in.Metadata["execution"], body)
	}
	return out, err
}

// doubling returns each row of an index twice while it is on.
type doubling struct {
	*awstest.Table
	on *bool
}

func (d doubling) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if *d.on {
		return moving{d.Table}.Query(ctx, in, o...)
	}
	return d.Table.Query(ctx, in, o...)
}

func newStorm(t *testing.T, rt *rapid.T) *storm {
	t.Helper()
	o := &storm{
		t: t, rt: rt, threads: &Threads{}, up: true, poison: map[string]bool{}, deletions: map[string]int{},
		claimed: map[string]bool{}, aborted: map[string]bool{}, receives: map[string]int{}, newest: map[string]time.Time{},
		sent: map[string]int{}, again: map[string]int{}, requests: map[string]replay.Request{},
	}
	// The clock of Record is exact. The others are some seconds off.
	off := func(whose string) func() time.Time {
		by := time.Duration(rapid.IntRange(-4, 4).Draw(rt, "clock of "+whose)) * time.Second
		return func() time.Time { return time.Now().Add(by) }
	}
	bucket, table := awstest.NewBucket(), awstest.NewTable()
	bucket.Now = off("S3")
	e := wire(t, doubling{table, &o.double}, watched{bucket, &o.full, o.recorded}, &Faults{Threads: o.threads},
		Clock{Now: off("listener"), SettleAfter: period, Publish: off("Publish"), Republish: off("republish")}, slog.New(slog.DiscardHandler))
	e.Bucket, e.Table = bucket, table
	o.Engine = e
	e.services.Random = func() float64 { return 0.5 }
	e.Reconfigure(func(p *config.AutoReplay) {
		p.CanaryThreshold, p.BackoffBase, p.BackoffRate, p.MaxBackoff = rapid.IntRange(1, 5).Draw(rt, "threshold"), time.Minute, 2, time.Hour
		p.MaxAge = 14 * 24 * time.Hour
	})
	e.API.Random = sameIDs()
	e.Machine.Work = func(_, event string) (string, string) {
		if ev := o.events[number(o.rt, event)-1]; !o.up || o.poison[ev.id] {
			return "", outage
		}
		return event, ""
	}
	e.Machine.Now = off("Step Functions")
	e.Machine.OnStart = o.mayStart
	e.Machine.Attempts = rapid.IntRange(1, 2).Draw(rt, "attempts")
	e.Invoke = func(ctx context.Context, _ string, do func(context.Context) error) (err error) {
		if o.threads.Invoke(ctx, 30*time.Second, func(ctx context.Context) { err = do(ctx) }) {
			return messages.InvokeResponse_Error{Type: "Sandbox.Timedout", Message: "the function has died"}
		}
		return err
	}
	e.Series.Await = func(ctx context.Context, execution string) {
		for ctx.Err() == nil && !domain.ExecutionStatus(e.Machine.Status(execution)).Terminal() {
			time.Sleep(10 * time.Second)
		}
	}
	e.OnPublish = o.mayPublish
	return o
}

var numbered = regexp.MustCompile(`"n":([0-9]+)`)

// number returns the number of the event in a string.
func number(t tester, text string) int {
	t.Helper()
	found := numbered.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no number", text)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// recorded notes that an event was recorded. It must not restore a resource that was deleted after the event.
func (o *storm) recorded(ctx context.Context, execution string, event []byte) {
	n := number(o.rt, string(event))
	if ev := o.events[n-1]; !strings.HasPrefix(execution, "live-") && o.deletedBefore(ctx, n) {
		o.rt.Errorf("%s records event %d of %s again, which was deleted", execution, n, ev.id)
	}
	o.puts = append(o.puts, put{at: o.threads.Now(), n: n, execution: execution})
}

// deletedBefore reports whether the resource of an event was deleted after the event and before a function began.
func (o *storm) deletedBefore(ctx context.Context, n int) bool {
	ev := o.events[n-1]
	at, deleted := o.deletions[ev.id]
	if !deleted || at > Begun(ctx) {
		return false
	}
	for _, p := range o.puts {
		if o.events[p.n-1].id == ev.id && p.at > at {
			return false
		}
	}
	return o.began(n) < at
}

// mayStart checks that no automatic replay starts for an event if a newer one was recorded before the starting function
// began.
func (o *storm) mayStart(ctx context.Context, name, input string) {
	if !automatic(name) {
		return
	}
	n := number(o.rt, input)
	for _, p := range o.puts {
		newer := o.events[p.n-1].id == o.events[n-1].id && o.events[p.n-1].began.After(o.events[n-1].began)
		if newer && p.at < Begun(ctx) && !o.aborted[p.execution] {
			o.rt.Errorf("%s starts for event %d, although %d of %s was recorded", name, n, p.n, p.execution)
		}
	}
}

// request returns what a replay asks for.
func (o *storm) request(id string) replay.Request {
	if r, known := o.requests[id]; known {
		return r
	}
	body, err := o.PlainLog.Object(o.t.Context(), schema.ReplaysPrefix+id+"/request.json")
	if err == nil {
		o.requests[id], err = replay.Decode(body, time.Now())
	}
	if err != nil {
		o.rt.Errorf("replay %s: %v", id, err)
	}
	return o.requests[id]
}

// began is when an event came, as Threads.Now counts.
func (o *storm) began(n int) int { return o.order[n-1] }

// seriesEnd returns the newest event of the series that a replay publishes of a resource.
func (o *storm) seriesEnd(replayID, resourceID string) (newest time.Time) {
	for _, it := range o.items(replayID) {
		id := it.VersionID
		if id == "" {
			id = it.Want
		}
		if it.ResourceID != resourceID || id == "" {
			continue
		}
		event, err := o.PlainLog.Event(o.t.Context(), resourceID, id)
		if err != nil {
			o.rt.Errorf("version %s of %s: %v", id, resourceID, err)
			continue
		}
		if at := o.events[number(o.rt, string(event))-1].began; at.After(newest) {
			newest = at
		}
	}
	return newest
}

func (o *storm) items(replayID string) (all []domain.Item) {
	r, err := o.Plain.Replays.Get(o.t.Context(), replayID)
	for cursor := ""; err == nil; {
		var items []domain.Item
		if items, cursor, err = o.Plain.Items.List(o.t.Context(), r, "", cursor, 100); err == nil {
			all = append(all, items...)
		}
		if cursor == "" {
			break
		}
	}
	if err != nil {
		o.rt.Errorf("items of %s: %v", replayID, err)
	}
	return all
}

// mayPublish checks that no replay publishes over a newer event or for a deleted resource, in the order in which the
// topic gets the messages.
func (o *storm) mayPublish(ctx context.Context, in *sns.PublishInput) {
	attribute := func(name string) string { return aws.ToString(in.MessageAttributes[name].StringValue) }
	n, execution, id := number(o.rt, *in.Message), attribute("execution"), attribute("replayId")
	ev := o.events[n-1]
	over := ev.began
	aCopy := o.threads.late.Load() && o.sent[execution]+o.again[id+"/"+attribute("versionId")] > 0
	if id != "" {
		o.again[id+"/"+attribute("versionId")]++
		if end := o.seriesEnd(id, ev.id); o.request(id).Versions.Several() && end.After(over) {
			over = end
		}
	}
	isReplay := attribute("isReplay") == "true"
	guarded := isReplay && (id == "" || !o.request(id).AllowStale)
	if newest := o.newest[ev.id]; guarded && newest.After(over) && !aCopy {
		o.rt.Errorf("%s (replay %q) publishes event %d of %s, which came at %s, after one that came at %s", execution, id, n,
			ev.id, ev.began, newest)
	}
	if isReplay && o.deletedBefore(ctx, n) && !aCopy {
		o.rt.Errorf("%s (replay %q) publishes event %d of %s, which was deleted", execution, id, n, ev.id)
	}
	o.sent[execution]++
	if ev.began.After(o.newest[ev.id]) {
		o.newest[ev.id] = ev.began
	}
}

func (o *storm) encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		o.rt.Fatalf("encode %v: %v", v, err)
	}
	return string(b)
}
