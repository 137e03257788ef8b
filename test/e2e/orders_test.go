package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// orders is a stack around a state machine that existed before: see test/childapp.
var orders task[*system]

func bringUpOrders(ctx context.Context) (*system, error) {
	s, err := stacks.start(ctx, local.Options{
		App: "go run ./test/childapp", Stacks: []string{"orders"},
		Env: map[string]map[string]string{"AutoReplay": {"MAX_BACKOFF": "1s"}},
	})
	if err != nil {
		return nil, err
	}
	return newSystem(s)
}

func order(id, do string) string {
	return compact(map[string]any{"order": map[string]any{"id": id, "customerId": "customer of " + id, "do": do}})
}

func TestAnExistingStateMachine(t *testing.T) {
	t.Parallel()
	y := orders.wait(t)
	t.Run("publishes its output", func(t *testing.T) {
		id := fresh("order")
		name := y.ingest(t, order(id, "ship"))
		output := aws.ToString(y.succeeded(t, name).Output)
		got := decoded(t, output)
		if shipped, ok := got["shipped"].(map[string]any); !ok || shipped["carrier"] != "post" || got["order"] == nil || len(got) != 2 {
			t.Errorf("got output %s, want the child's", output)
		}
		l := y.downstream.one(t, name)
		if decoded(t, l.body)["shipped"] == nil || l.attributes["isReplay"] != "false" || l.attributes["ownerId"] != "customer of "+id {
			t.Errorf("published %+v", l)
		}
		y.live.one(t, name)
	})
	t.Run("runs again in a replay that downstream knows for one", func(t *testing.T) {
		id := fresh("order")
		y.succeeded(t, y.ingest(t, order(id, "ship")))
		r := y.replay(t, request{Select: selection{ResourceIDs: []string{id}}})
		if want := (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); r.Counts != want {
			t.Errorf("got counts %+v, want %+v", r.Counts, want)
		}
		name := domain.APIName(r.ReplayID, id, 0)
		l := y.downstream.one(t, name)
		if decoded(t, l.body)["shipped"] == nil || decoded(t, l.body)["replayableIngestion"] != nil || l.attributes["isReplay"] != "true" {
			t.Errorf("published %+v", l)
		}
		y.live.none(t, name)
	})
	for _, do := range []string{"refuse", "refuse " + strings.Repeat("x", 40_000)} {
		t.Run(fmt.Sprintf("is quarantined with the child's error, by an event of %d bytes", len(do)), func(t *testing.T) {
			id := fresh("order")
			name := y.ingest(t, order(id, do))
			y.failed(t, name, "States.TaskFailed")
			y.decided(t, name, domain.Quarantined)
			f := y.quarantined(t, name)
			if f.Error != "OrderRefused" || f.Cause != "no such article" || f.ResourceID != id || f.VersionID == "" {
				t.Errorf("got %+v", f)
			}
			y.downstream.none(t, name)
		})
	}
	t.Run("is replayed when the child's error is retriable", func(t *testing.T) {
		id := fresh("order")
		name := y.ingest(t, order(id, "break"))
		y.failed(t, name, "States.TaskFailed")
		first := y.decided(t, name, domain.FailedAgain)
		if first.Error != "StockServiceUnavailable" || first.Cause != "the stock is being counted" {
			t.Errorf("got %+v", first)
		}
		again := domain.AutoName(name, 1)
		if f := y.decided(t, again, domain.Quarantined); f.Attempt != 1 || f.Error != "StockServiceUnavailable" {
			t.Errorf("got %+v", f)
		}
		if row := y.row(t, again); row.Reason != "failed with StockServiceUnavailable" {
			t.Errorf("got %+v", row)
		}
	})
	t.Run("takes events of 128,000 bytes, and not one more", func(t *testing.T) {
		id := fresh("order")
		pad := replay.MaxEventBytes/2 - len(order(id, "ship "))
		name := y.ingest(t, order(id, "ship "+strings.Repeat("x", pad)))
		y.succeeded(t, name)
		large := order(id, "ship "+strings.Repeat("x", pad+1))
		f := y.refused(t, y.ingest(t, large), large, "EventTooLarge")
		if !strings.Contains(f.Cause, "128001 bytes, the most is 128000") {
			t.Errorf("got cause %s", f.Cause)
		}
	})
}
