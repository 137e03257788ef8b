package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestQueuesRedriveWhatComesBackTooOften(t *testing.T) {
	dead := sys.attributes(t, sys.DeadLetterQueueURL, "QueueArn")["QueueArn"]
	for name, url := range map[string]string{"replay": sys.ReplayQueueURL, "outcomes": sys.OutcomesQueueURL} {
		var policy struct {
			DeadLetterTargetArn string
			MaxReceiveCount     json.Number
		}
		text := sys.attributes(t, url, "RedrivePolicy")["RedrivePolicy"]
		if err := json.Unmarshal([]byte(text), &policy); err != nil {
			t.Fatalf("redrive policy of the %s queue %q: %v", name, text, err)
		}
		if n, err := policy.MaxReceiveCount.Int64(); err != nil || n < 10 || policy.DeadLetterTargetArn != dead {
			t.Errorf("the %s queue has %s, want 10 receives or more, and %s", name, text, dead)
		}
	}
}

// A message that comes back too often goes to the dead-letter queue by the queue's own redrive policy, here after two
// deliveries instead of a hundred.
func TestAMessageThatIsNobodysEndsInQuarantineWithItsBody(t *testing.T) {
	inReplayQueue, inDeadLetters := `{"v":1,"kind":"`+fresh("unheard-of")+`"}`, "garbage "+fresh("of")+" <&> 🏡"
	sys.visibility(t, "1")
	sys.receives(t, 2)
	sys.send(t, sys.ReplayQueueURL, inReplayQueue)
	sys.send(t, sys.DeadLetterQueueURL, inDeadLetters)

	for _, body := range []string{inReplayQueue, inDeadLetters} {
		var f replay.Failure
		eventually(t, patience, body+" is quarantined", func(context.Context) (found bool, _ error) {
			sys.autoReplay(t)
			f, found = sys.keeps(t, body)
			return found, nil
		})
		if f.Error != "UnknownMessage" || f.Cause == "" || f.Decision == "" || !strings.HasPrefix(f.InputKey, "unrecorded/") {
			t.Errorf("got %+v", f)
		}
	}
}

// What cannot be handled in all its deliveries ends all the same: an item fails, an expansion halts its replay.
func TestAReplayWhoseMessagesArePoisonEnds(t *testing.T) {
	id := fresh("poison")
	sys.succeeded(t, sys.ingest(t, listing{id: id, owner: fresh("agency")}.json()))
	sys.visibility(t, "1")
	sys.receives(t, 2)
	for _, c := range []struct {
		kind   string
		status replay.Status
		counts replay.Counts
	}{
		{protocol.KindItem, replay.Completed, replay.Counts{Matched: 1, Failed: 1}}, // nothing was started
		{protocol.KindExpand, replay.Halted, replay.Counts{}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			sys.hook(t, "ReplayListener", diesOf(c.kind))
			accepted := sys.accept(t, request{Select: selection{ResourceIDs: []string{id}}})
			var r replay.Replay
			eventually(t, patience, "the replay ends", func(context.Context) (bool, error) {
				sys.autoReplay(t)
				sys.get(t, "/replays/"+accepted.ReplayID, nil, &r)
				return r.CompletedAt != nil, nil
			})
			if r.Status != c.status || r.Counts != c.counts {
				t.Errorf("got %s with %+v, want %s with %+v", r.Status, r.Counts, c.status, c.counts)
			}
			for _, it := range sys.items(t, r.ReplayID, nil).Items {
				if it.Outcome != replay.Failed || !strings.Contains(it.Reason, "came back too often") {
					t.Errorf("got %+v", it)
				}
			}
		})
	}
	// Only the live one: neither of the replays ran anything.
	if got := ways(sys.history(t, id)); !slices.Equal(got, []string{"live SUCCEEDED"}) {
		t.Errorf("got executions %v", got)
	}
}

// diesOf makes the listener die whenever a message of a kind is in its batch.
func diesOf(kind string) lambdahost.Hook {
	return func(_ context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		for _, m := range replayMessages(payload) {
			if m.Kind == kind {
				return lambdahost.Answer{Failed: true, Payload: []byte(`{"errorType":"Runtime.ExitError","errorMessage":"out of memory"}`)}, nil
			}
		}
		return invoke(payload)
	}
}

// keeps finds the quarantined failure that keeps a body.
func (y *system) keeps(t *testing.T, body string) (replay.Failure, bool) {
	t.Helper()
	var page replay.Failures
	y.get(t, "/failures", map[string][]string{"limit": {"100"}}, &page)
	for _, f := range page.Failures {
		if f.InputKey == "" {
			continue
		}
		if kept, _ := y.object(t, f.InputKey); kept == body {
			return f, true
		}
	}
	return replay.Failure{}, false
}

// receives changes how often the Replay queue delivers a message before it is dead.
func (y *system) receives(t *testing.T, n int) {
	t.Helper()
	before := y.attributes(t, y.ReplayQueueURL, "RedrivePolicy")["RedrivePolicy"]
	set := func(ctx context.Context, policy string) {
		_, err := y.Queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: &y.ReplayQueueURL, Attributes: map[string]string{"RedrivePolicy": policy},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	policy := decoded(t, before)
	policy["maxReceiveCount"] = n
	t.Cleanup(func() { set(context.WithoutCancel(t.Context()), before) })
	set(t.Context(), compact(policy))
}

// put stores an event by hand, as an operator does who restores one.
func (y *system) put(t *testing.T, resource, event string) {
	t.Helper()
	key := eventKey(t, resource)
	_, err := y.Bucket.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &y.EventLogBucket, Key: &key, Body: strings.NewReader(event),
	})
	if err != nil {
		t.Fatal(err)
	}
}
