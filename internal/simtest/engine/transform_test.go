package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

func derived(t *testing.T, e *Engine, execution string) string {
	t.Helper()
	event, err := e.Log.Object(t.Context(), eventlog.DerivedKey(execution))
	if err != nil {
		t.Fatal(err)
	}
	return string(event)
}

func TestAnExpressionTransforms(t *testing.T) {
	e := inMemory(t)
	e.Ingest("live-a", `{"id":"a","owner":"o1","serial":12345678901234567890,"price":0.1000000000000000055,"n":2}`)
	e.Ingest("live-b", `{"id":"b","owner":"o1"}`)
	e.Report()
	const expression = `"transform":{"jsonata":"$merge([$, {\"n\": n * 2, \"by\": $ownerId, \"of\": $versionId}])"}`
	id := ask(t, e, `{"select":{"resourceIds":["a"]},`+expression+`,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	want := fmt.Sprintf(`{"by":"o1","id":"a","n":4,"of":%q,"owner":"o1","price":0.1000000000000000055,"serial":12345678901234567890}`,
		versionIDs(t, e, "a")[0])
	if got := derived(t, e, domain.APIName(id, "a", 0)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for expression, want := range map[string]string{
		`absent`:       "TransformFailed: transform: jsonata: it has no value",
		`{"id": "b"}`:  `TransformFailed: the transform changes the resource id to "b"`,
		`"a"`:          "TransformFailed: the transformed event is refused: InvalidEvent",
		`$error("no")`: "TransformFailed: transform: jsonata: no",
		`{"` + schema.EnvelopeKey + `": {"mode": "api"}}`: "TransformFailed: the transform sets the reserved key",
		`$merge([$, {"x": [1..60000]}])`:                  "TransformFailed: the transformed event is refused: EventTooLarge",
		`($f := function($s) { $f($s & $s) }; $f("abc"))`: "TransformFailed: transform: jsonata: too costly",
	} {
		text, _ := json.Marshal(expression)
		id := ask(t, e, `{"select":{"resourceIds":["a"]},"transform":{"jsonata":`+string(text)+`},"reason":"a test"}`)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
		if it := list(t, e, id, "")[0]; !strings.HasPrefix(it.Reason, want) || it.VersionID == "" {
			t.Errorf("%s: got %+v, want a reason that begins with %q", expression, it, want)
		}
	}
	for body, want := range map[string]string{
		`{"jsonata":"{"}`:         `"field":"transform.jsonata"`,
		`{"function":"fox"}`:      "is not a function of this ingestion: it has fix",
		`{"function":"no name"}`:  `"field":"transform.function"`,
		`{"jsonata":" "}`:         `"field":"transform.jsonata"`,
		`{"parameters":{"a":1}}`:  "must have exactly one of",
		`{"jsonata":"$","x":"y"}`: `"field":"transform.x"`,
	} {
		answer := e.Call("POST", "/replays", `{"select":{"resourceIds":["a"]},"transform":`+body+`,"reason":"a test"}`, nil, nil)
		if answer.StatusCode != 400 || !strings.Contains(answer.Body, want) {
			t.Errorf("%s: got %d %s, want 400 with %s", body, answer.StatusCode, answer.Body, want)
		}
	}
}

const byFunction = `"transform":{"function":"fix","parameters":{"digits":12345678901234567890}}`

// counting returns a function whose every response is another event, and how often it was called.
func counting(t *testing.T, calls *[]transform.Call) Function {
	return func(_ context.Context, payload []byte) ([]byte, string, error) {
		var c transform.Call
		if err := json.Unmarshal(payload, &c); err != nil {
			t.Errorf("payload %s: %v", payload, err)
		}
		*calls = append(*calls, c)
		return fmt.Appendf(nil, `{ "id": %q, "owner": "o1", "n": 1.50, "call": %d }`, c.ResourceID, len(*calls)), "", nil
	}
}

// A function that returns another event each time is called once: what it returned first is what runs.
func TestAFunctionIsCalledOnceForAnItem(t *testing.T) {
	e := inMemory(t)
	version := history(t, e, "r1", 1)[0]
	var calls []transform.Call
	e.OnInvoke = counting(t, &calls)
	var ran []string
	e.Machine.Work = func(_, event string) (string, string) { ran = append(ran, event); return event, "" }
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},`+byFunction+`,"reason":"a test"}`)
	bodies := drainToItems(t, e)
	e.Listen(bodies...)
	e.Listen(bodies...) // delivered again
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	const want = `{"id":"r1","owner":"o1","n":1.50,"call":1}`
	if got := derived(t, e, domain.APIName(id, "r1", 0)); got != want || len(ran) != 1 || ran[0] != want {
		t.Errorf("kept %s, ran %v, want %s once", got, ran, want)
	}
	if len(calls) != 1 {
		t.Fatalf("%d calls, want one", len(calls))
	}
	c := calls[0]
	if string(c.Event) != event("r1", "o1", 0) || c.ResourceID != "r1" || c.VersionID != version || c.OwnerID != "o1" ||
		c.ReplayID != id || c.DryRun || string(c.Parameters) != `{"digits":12345678901234567890}` {
		t.Errorf("got %+v, want the event and what it is", c)
	}
}

func TestWhatAFunctionReturnsIsChecked(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	returns := func(text string) Function {
		return func(context.Context, []byte) ([]byte, string, error) { return []byte(text), "", nil }
	}
	for name, tt := range map[string]struct {
		function Function
		want     string
	}{
		"null":             {returns(`null`), `function fix: it returned "null": it must return the event`},
		"nothing":          {returns(``), "it must return the event"},
		"a list":           {returns(`[{"id":"r1"}]`), "it must return the event"},
		"broken JSON":      {returns(`{"id":`), "the result is not JSON"},
		"a name twice":     {returns(`{"id":"r1","id":"r1"}`), "is given twice"},
		"another resource": {returns(`{"id":"r2"}`), `changes the resource id to "r2"`},
		"no resource":      {returns(`{"n":1}`), "InvalidEvent"},
		"too much":         {returns(`{"id":"r1","x":"` + strings.Repeat("x", 5<<20) + `"}`), "EventTooLarge"},
		"a failure": {func(context.Context, []byte) ([]byte, string, error) {
			return []byte(strings.Repeat("no price ", 1000)), "ValueError", nil
		}, "TransformFailed: transform: function fix failed with ValueError: no price no price"},
		"no permission": {func(context.Context, []byte) ([]byte, string, error) {
			return nil, "", &types.InvalidRuntimeException{Message: aws.String("a runtime of yesterday")}
		}, "function fix cannot be invoked: InvalidRuntimeException: a runtime of yesterday"},
		"nobody there": {nil, "function fix cannot be invoked: ResourceNotFoundException"},
	} {
		e.OnInvoke = tt.function
		id := ask(t, e, `{"select":{"resourceIds":["r1"]},`+byFunction+`,"reason":"a test"}`)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
		it := list(t, e, id, "")[0]
		if !strings.HasPrefix(it.Reason, "TransformFailed: ") || !strings.Contains(it.Reason, tt.want) || len(it.Reason) > 500 {
			t.Errorf("%s: got %d bytes, %q, want a reason with %q", name, len(it.Reason), it.Reason, tt.want)
		}
	}
}

func TestAThrottledFunctionIsCalledAgain(t *testing.T) {
	synctest.Test(t, throttled) // what is sent again waits for seconds
}

func throttled(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	calls := 0
	e.OnInvoke = func(context.Context, []byte) ([]byte, string, error) {
		if calls++; calls == 1 {
			return nil, "", &types.TooManyRequestsException{Message: aws.String("Rate Exceeded.")}
		}
		if calls == 2 {
			return nil, "", &types.ResourceConflictException{Message: aws.String("The function is being updated.")}
		}
		return []byte(`{"id":"r1","owner":"o1","n":9}`), "", nil
	}
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},`+byFunction+`,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if calls != 3 {
		t.Errorf("%d calls, want three", calls)
	}
}

func TestAPlanByAFunction(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 3)
	history(t, e, "r2", 1)
	n := 0
	var dry []bool
	e.OnInvoke = func(_ context.Context, payload []byte) ([]byte, string, error) {
		var c transform.Call
		if err := json.Unmarshal(payload, &c); err != nil {
			return nil, "", err
		}
		if dry = append(dry, c.DryRun); c.ResourceID == "r2" {
			n++
		}
		return fmt.Appendf(nil, `{"id":%q,"owner":"o1","by":%q,"n":%d}`, c.ResourceID, c.VersionID, n), "", nil
	}
	plan := planned(t, e, `"select":{"ownerId":"o1"},`+byFunction)
	if plan.Plan.Items != 2 || len(plan.Plan.Sample) != 2 || !strings.Contains(string(plan.Plan.Sample[0].Diff), `"/by"`) {
		t.Fatalf("got %+v, want two items with what changes", plan.Plan)
	}
	n = 0 // r1 has another event than planned, and r2 the same
	id := ask(t, e, applying(plan))
	e.Pump()
	all := items(t, e, id)
	drifted := 0
	for _, it := range all {
		if strings.HasPrefix(it.Reason, "drift: the transform makes another event") {
			drifted++
		}
	}
	if r := get(t, e, id); r.Counts.Matched != 2 || r.Counts.Skipped != drifted || r.Counts.Succeeded != 2-drifted {
		t.Errorf("got %+v of %+v, want what drifted skipped", r.Counts, all)
	}
	if fmt.Sprint(dry[:2]) != "[true true]" || fmt.Sprint(dry[2:]) != "[false false]" {
		t.Errorf("called with dryRun %v, want it twice, then not", dry)
	}

	var calls []transform.Call
	e.OnInvoke = counting(t, &calls)
	id = ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":{"series":"all"},`+byFunction+`,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 3})
	if len(calls) != 3 {
		t.Errorf("%d calls for a series of three, want three", len(calls))
	}
}

// A plan of a series by a slow function takes several messages, each of which is done before the listener's time is over.
func TestAPlanBySlowFunctionsGetsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 9)
		e.OnInvoke = func(context.Context, []byte) ([]byte, string, error) {
			time.Sleep(19 * time.Second)
			return []byte(event("r1", "o1", 7)), "", nil
		}
		id := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":{"series":"all"},`+byFunction+`,"dryRun":true,"reason":"a test"}`)
		for get(t, e, id).Status != replay.Planned {
			begun := time.Now()
			e.Listen(e.Replays.TakeAll()...)
			if took := time.Since(begun); took > time.Minute {
				t.Fatalf("a message took %s, want less than a minute", took)
			}
		}
		finished(t, e, id, replay.Planned, replay.Counts{Matched: 9})
	})
}

func TestAnUnrecordedEventIsTransformedByAFunction(t *testing.T) {
	e := inMemory(t)
	lostEvent(t, e, `{"owner":"o1","n":1}`)
	var calls []transform.Call
	e.OnInvoke = func(_ context.Context, payload []byte) ([]byte, string, error) {
		var c transform.Call
		err := json.Unmarshal(payload, &c)
		calls = append(calls, c)
		return fmt.Appendf(nil, `{"id":"r1","owner":"o1","n":%d}`, len(calls)), "", err
	}
	id := ask(t, e, failedWith(`,`+byFunction))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	event, err := e.Log.Event(t.Context(), "r1", versionIDs(t, e, "r1")[0])
	if want := `{"id":"r1","owner":"o1","n":1}`; err != nil || string(event) != want || len(calls) != 1 {
		t.Errorf("recorded %s, %v after %d calls, want %s after one", event, err, len(calls), want)
	}
	if len(calls) > 0 && (calls[0].ResourceID != "" || calls[0].VersionID != "" || string(calls[0].Event) != `{"owner":"o1","n":1}`) {
		t.Errorf("got %+v, want the input alone", calls[0])
	}
}
