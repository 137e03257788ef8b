package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// drained waits until the Replay queue is empty.
func (y *system) drained(t *testing.T) {
	t.Helper()
	eventually(t, patience, "the Replay queue is empty", func(context.Context) (bool, error) {
		return y.waiting(t, y.ReplayQueueURL) == 0, nil
	})
}

func TestRedeliveredMessagesRunNothingTwice(t *testing.T) {
	owner := fresh("agency")
	ids := []string{fresh("redelivered-1"), fresh("redelivered-2"), fresh("redelivered-3")}
	var runs []string
	for _, id := range ids {
		runs = append(runs, sys.ingest(t, listing{id: id, owner: owner}.json()))
	}
	for _, run := range runs {
		sys.succeeded(t, run)
	}
	sys.outage(t, observe.GeocoderUnavailable)
	failing := fresh("redelivered-failing")
	failed := sys.ingest(t, listing{id: failing, owner: fresh("agency")}.json())
	sys.failed(t, failed, unavailable)
	sys.geocoder(t, observe.GeocoderOK)
	sys.decided(t, failed, domain.Healed)
	r := sys.replay(t, request{Select: selection{OwnerID: owner}})
	before := sys.completed(t, r.ReplayID)

	expand := protocol.ReplayMessage{Kind: protocol.KindExpand, ReplayID: r.ReplayID}.Encode()
	auto := protocol.ReplayMessage{Kind: protocol.KindAuto, Execution: failed}.Encode()
	item := func(n int) string {
		return protocol.ReplayMessage{Kind: protocol.KindItem, ReplayID: r.ReplayID, Ordinal: n}.Encode()
	}
	sys.send(t, sys.ReplayQueueURL, item(2), item(2), auto, item(0), expand, item(1), auto, expand, item(2), item(0), expand, auto)
	sys.drained(t)

	after := sys.completed(t, r.ReplayID)
	if after.Counts != before.Counts || !after.CompletedAt.Equal(*before.CompletedAt) {
		t.Errorf("the replay changed from %+v to %+v", before, after)
	}
	for _, id := range ids {
		if got := ways(sys.history(t, id)); !slices.Equal(got, []string{"live SUCCEEDED", "api SUCCEEDED"}) {
			t.Errorf("%s: got executions %v", id, got)
		}
		sys.downstream.one(t, domain.APIName(r.ReplayID, id, 0))
	}
	if got := ways(sys.history(t, failing)); !slices.Equal(got, []string{"live FAILED", "auto SUCCEEDED"}) {
		t.Errorf("%s: got executions %v", failing, got)
	}
	sys.downstream.one(t, domain.AutoName(failed, 1))
}

// The listener dies at work and loses answers. Its messages are delivered again, to others.
func TestAReplayWhoseListenersAreKilledRunsEachResourceOnce(t *testing.T) {
	const resources, kills, losses = 30, 2, 3
	owner := fresh("agency")
	ids := make([]string, resources)
	for i := range ids {
		ids[i] = fresh(fmt.Sprintf("killed-%02d", i))
		sys.ingest(t, listing{id: ids[i], owner: owner}.json())
	}
	eventually(t, 2*patience, "all events are published", func(context.Context) (bool, error) {
		for _, id := range ids {
			if !slices.Equal(ways(sys.history(t, id)), []string{"live SUCCEEDED"}) {
				return false, nil
			}
		}
		return true, nil
	})
	sys.visibility(t, "1") // a batch that failed comes again soon, not after twelve minutes

	var killed, lost atomic.Int32
	sys.hook(t, "ReplayListener", func(ctx context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		if it, found := sys.untouched(ctx, payload); found && killed.Load() < kills {
			work, stop := context.WithCancel(ctx)
			defer stop()
			go func() {
				if sys.killOnceBound(work, it) {
					killed.Add(1)
				}
			}()
			return invoke(payload)
		}
		answer, err := invoke(payload)
		if lost.Add(1) <= losses && err == nil { // all is done, and nobody is told
			answer = lambdahost.Answer{Failed: true, Payload: []byte(`{"errorType":"Lost","errorMessage":"the answer was lost"}`)}
		}
		return answer, err
	})
	r := sys.replay(t, request{Select: selection{OwnerID: owner}})
	sys.drained(t)

	if want := (replay.Counts{Matched: resources, Started: resources, Succeeded: resources}); r.Counts != want {
		t.Errorf("got counts %+v, want %+v", r.Counts, want)
	}
	items, _ := sys.pages(t, r.ReplayID, url.Values{"outcome": {"SUCCEEDED"}}, "10")
	if len(items) != resources {
		t.Errorf("got %d items that succeeded, want %d", len(items), resources)
	}
	for _, id := range ids {
		if got := ways(sys.history(t, id)); !slices.Equal(got, []string{"live SUCCEEDED", "api SUCCEEDED"}) {
			t.Errorf("%s: got executions %v", id, got)
		}
		sys.downstream.one(t, domain.APIName(r.ReplayID, id, 0))
	}
	t.Logf("%d processes killed at work, %d answers lost", killed.Load(), min(lost.Load(), losses))
	if killed.Load() == 0 || lost.Load() < losses {
		t.Error("nothing was disturbed: the test proves nothing")
	}
}

// untouched finds an item of a batch that no delivery has worked on.
func (y *system) untouched(ctx context.Context, payload []byte) (domain.Item, bool) {
	for _, m := range replayMessages(payload) {
		if m.Kind != protocol.KindItem {
			continue
		}
		it, err := y.Book.Items.Get(ctx, m.ReplayID, m.Page, m.Ordinal, 0)
		if err == nil && it.Outcome == replay.Waiting && it.VersionID == "" {
			return it, true
		}
	}
	return domain.Item{}, false
}

// killOnceBound kills the listener as soon as an item is bound to a version: before its execution is started, or soon
// after. It gives up when the batch is done.
func (y *system) killOnceBound(ctx context.Context, it domain.Item) bool {
	for ctx.Err() == nil {
		now, err := y.Book.Items.Get(ctx, it.ReplayID, it.Page, it.Ordinal, 0)
		if err != nil || now.VersionID == "" {
			continue
		}
		n, err := y.Host.Kill("ReplayListener")
		return err == nil && n > 0
	}
	return false
}

// replayMessages reads a batch of the Replay queue.
func replayMessages(payload []byte) []protocol.ReplayMessage {
	var batch events.SQSEvent
	if json.Unmarshal(payload, &batch) != nil {
		return nil
	}
	var all []protocol.ReplayMessage
	for _, m := range batch.Records {
		if r, err := protocol.DecodeReplayMessage(m.Body); err == nil {
			all = append(all, r)
		}
	}
	return all
}

func (y *system) hook(t *testing.T, function string, hook lambdahost.Hook) {
	t.Helper()
	if err := y.Host.SetHook(function, hook); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = y.Host.SetHook(function, nil) }) // the function is there
}

// visibility changes for how long the Replay queue hides a delivered message.
func (y *system) visibility(t *testing.T, seconds string) {
	t.Helper()
	set := func(ctx context.Context, value string) {
		_, err := y.Queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: &y.ReplayQueueURL, Attributes: map[string]string{"VisibilityTimeout": value},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := y.attributes(t, y.ReplayQueueURL, "VisibilityTimeout")["VisibilityTimeout"]
	t.Cleanup(func() { set(context.WithoutCancel(t.Context()), before) })
	set(t.Context(), seconds)
}

// A first delivery binds the item to the version that is the latest, and dies. Then a newer event comes in.
func TestANewerEventBetweenTwoDeliveriesDoesNotChangeTheBoundVersion(t *testing.T) {
	id, owner := fresh("bound"), fresh("agency")
	event := listing{id: id, owner: owner, price: 100_000}.json()
	first := sys.ingest(t, event)
	sys.succeeded(t, first)
	bound := sys.row(t, first)

	delivered, again := make(chan protocol.ReplayMessage, 1), make(chan struct{})
	proceed := sync.OnceFunc(func() { close(again) })
	t.Cleanup(proceed)
	sys.hook(t, "ReplayListener", func(_ context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		for _, m := range replayMessages(payload) {
			if m.Kind == protocol.KindItem {
				delivered <- m
				<-again
			}
		}
		return invoke(payload)
	})
	accepted := sys.accept(t, request{Select: selection{ResourceIDs: []string{id}}})
	var m protocol.ReplayMessage
	select {
	case m = <-delivered:
	case <-time.After(patience):
		t.Fatal("the item's message was not delivered")
	}
	it, err := sys.Book.Items.Get(t.Context(), m.ReplayID, m.Page, m.Ordinal, 0)
	if err == nil {
		err = sys.Book.Items.Bind(t.Context(), it, announced(it, bound))
	}
	if err != nil {
		t.Fatal(err)
	}
	second := sys.ingest(t, listing{id: id, owner: owner, price: 200_000}.json())
	// The outcomes are not tracked now: the emulator has one poller for all queues, and the hook holds it.
	eventually(t, patience, second+" succeeds", func(context.Context) (bool, error) {
		return sys.describe(t, second).Status == sfntypes.ExecutionStatusSucceeded, nil
	})
	proceed()
	r := sys.completed(t, accepted.ReplayID)
	if want := (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); r.Counts != want {
		t.Errorf("got counts %+v, want %+v", r.Counts, want)
	}
	name := domain.APIName(r.ReplayID, id, 0)
	if got := sys.downstream.one(t, name).attributes["versionId"]; got != bound.VersionID {
		t.Errorf("published version %s, want %s", got, bound.VersionID)
	}
	if got := *sys.describe(t, name).Input; !strings.Contains(got, event) {
		t.Errorf("got input %s, want %s in it", got, event)
	}
	sys.succeeded(t, second)
	v := sys.versions(t, id).Versions
	if len(v) != 2 || !slices.Equal(statuses(v[0]), []string{"live SUCCEEDED"}) ||
		!slices.Equal(statuses(v[1]), []string{"live SUCCEEDED", "api SUCCEEDED"}) {
		t.Errorf("got %+v", v)
	}
}

// announced is the row that a listener writes before it starts the execution of an item.
func announced(it domain.Item, v domain.Execution) domain.Execution {
	return domain.Execution{
		Name: domain.APIName(it.ReplayID, it.ResourceID, 0), Mode: domain.API, Status: domain.Starting,
		ResourceID: it.ResourceID, OwnerID: v.OwnerID, VersionID: v.VersionID, RecordedAt: v.RecordedAt,
		StartedAt: domain.At(time.Now()), Reason: why, ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal,
	}
}
