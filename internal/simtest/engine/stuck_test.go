package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
)

// received is a message as Lambda delivers it, that was received for the first time at a moment.
func received(body string, first time.Time) events.SQSMessage {
	return events.SQSMessage{MessageId: "m", Body: body, Attributes: map[string]string{
		"ApproximateFirstReceiveTimestamp": fmt.Sprint(first.UnixMilli()),
		"SentTimestamp":                    fmt.Sprint(first.Add(-24 * time.Hour).UnixMilli()),
	}}
}

// latest is the last value of a metric that was written.
func latest(t *testing.T, e *Engine, name string) time.Duration {
	t.Helper()
	value, found := 0.0, false
	for _, d := range e.Metrics() {
		if d.Name == name {
			value, found = d.Values[len(d.Values)-1], true
		}
	}
	if !found {
		t.Fatalf("%s was not written", name)
	}
	return time.Duration(value * float64(time.Second)).Round(time.Minute)
}

func TestTheTrackerSaysForHowLongItHasTriedInVain(t *testing.T) {
	e := inMemory(t)
	now := time.Now()
	for _, tried := range []time.Duration{0, 20 * time.Minute} {
		answer, err := e.Tracker.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
			received("no status", now.Add(-tried)), received("nor this", now.Add(-tried/2)), {MessageId: "m2", Body: "without attributes"},
		}})
		if err != nil || len(answer.BatchItemFailures) != 3 {
			t.Fatalf("got %+v, %v", answer, err)
		}
		if got := latest(t, e, "OutcomesStuck"); got != tried {
			t.Errorf("got %s, want %s", got, tried)
		}
	}
	e.Ingest("live-1", sale(1))
	e.Report()
	if got := latest(t, e, "OutcomesStuck"); got != 0 {
		t.Errorf("got %s after a message that was settled, want 0", got)
	}
}

func TestTheListenerSaysForHowLongItHasTriedInVain(t *testing.T) {
	c := awstest.NewClock(time.Now())
	faults := &Faults{Refuse: "GetItem"}
	e := InMemory(t, faults, Clock{Now: c.Now, SettleAfter: time.Hour})
	listen := func(m events.SQSMessage) {
		faults.During(func() {
			if _, err := e.Listener.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}}); err != nil {
				t.Error(err)
			}
		})
	}
	listen(received("no message", c.Now().Add(-2*time.Hour)))
	if got := latest(t, e, "ReplaysStuck"); got != 2*time.Hour {
		t.Errorf("got %s of a message that comes back by itself, want 2h", got)
	}

	// For SQS, the message that is sent again is a new one.
	next := protocol.ReplayMessage{Kind: protocol.KindSweep, ReplayID: "01J"}.Encode()
	for _, tried := range []time.Duration{0, 30 * time.Minute, time.Hour, 90 * time.Minute} {
		listen(received(next, c.Now()))
		if got := latest(t, e, "ReplaysStuck"); got != tried {
			t.Errorf("got %s of a message that is sent again, want %s", got, tried)
		}
		sent := e.Replays.TakeAll()
		if len(sent) != 1 {
			t.Fatalf("got %q", sent)
		}
		next = sent[0]
		c.Set(c.Now().Add(30 * time.Minute))
	}
	faults.Refuse = ""
	ask(t, e, `{"select":{"resourceIds":["r1"]},"reason":"a test"}`)
	listen(received(e.Replays.TakeAll()[0], c.Now().Add(-time.Hour)))
	if got := latest(t, e, "ReplaysStuck"); got != 0 {
		t.Errorf("got %s of a message that was handled, want 0", got)
	}
}

func TestWhatAPaceHoldsBackIsNotTriedInVain(t *testing.T) {
	c := awstest.NewClock(time.Now().Truncate(time.Second))
	faults := &Faults{}
	e := InMemory(t, faults, Clock{Now: c.Now, SettleAfter: time.Hour})
	e.Ingest("live-1", sale(1))
	e.Report()
	ask(t, e, `{"select":{"resourceIds":["r1"]},"maxPerSecond":1,"reason":"a test"}`)
	expand := e.Replays.TakeAll()
	e.Listen(expand...)
	var item protocol.ReplayMessage
	for _, body := range e.Replays.TakeAll() {
		if m, err := protocol.DecodeReplayMessage(body); err == nil && m.Kind == protocol.KindItem {
			item = m
		}
	}
	item.Slot, item.Since = c.Now().Add(10*time.Minute).Unix(), c.Now().Add(-time.Minute).Unix()
	var posted []sqs.Post
	e.Replays.OnPost = func(p sqs.Post) { posted = append(posted, p) }
	answer, err := e.Listener.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{received(item.Encode(), c.Now().Add(-time.Hour))}})
	if err != nil || len(answer.BatchItemFailures) != 0 || len(posted) != 1 {
		t.Fatalf("got %+v, %v, posted %+v", answer, err, posted)
	}
	if got := latest(t, e, "ReplaysStuck"); got != 0 {
		t.Errorf("got %s of an item that waits for its turn, want 0", got)
	}
	c.Set(c.Now().Add(10 * time.Minute))
	faults.Refuse = "StartExecution"
	faults.During(func() {
		_, err = e.Listener.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{received(posted[0].Body, c.Now())}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := latest(t, e, "ReplaysStuck"); got != time.Minute {
		t.Errorf("got %s of an item that was tried for a minute and then held back for ten, want 1m", got)
	}
}

func TestARunSaysHowManyDeadLettersItHasToLeave(t *testing.T) {
	faults := &Faults{Refuse: "PutObject"} // no place to keep a message
	e := InMemory(t, faults, Clock{Now: time.Now, SettleAfter: time.Hour})
	run := func() {
		t.Helper()
		if err := e.Dead.Send(t.Context(), "what nobody knows", "nor this"); err != nil {
			t.Fatal(err)
		}
		faults.During(func() {
			if _, err := e.Runner.Run(t.Context(), fmt.Sprint("run-", time.Now().UnixNano()), e.Ask); err != nil {
				t.Error(err)
			}
		})
	}
	left := func() (values []float64) {
		for _, d := range e.Metrics() {
			if d.Name == "DeadLettersLeft" {
				values = append(values, d.Values...)
			}
		}
		return values
	}
	for range 2 {
		run()
		e.flush()
	}
	faults.Refuse = ""
	run()
	if got := left(); fmt.Sprint(got) != "[2 2 0]" {
		t.Errorf("got %v, want 2, 2, and 0 once there is a place", got)
	}
}
