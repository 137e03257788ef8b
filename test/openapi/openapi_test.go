package openapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/test/openapi"
)

func load(t *testing.T) *openapi.Document {
	t.Helper()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestEveryDocumentedAnswerIsShownSomewhere(t *testing.T) {
	pairs := load(t).Pairs()
	for _, p := range pairs {
		if openapi.PlaceOf(p.Status) == "" {
			t.Errorf("nothing shows %s", p)
		}
	}
	if len(pairs) < 8*6 {
		t.Errorf("%d answers documented, want more", len(pairs))
	}
}

func TestEveryExampleIsAccepted(t *testing.T) {
	doc := load(t)
	examples := doc.Spec().Paths.Value("/replays").Post.RequestBody.Value.Content["application/json"].Examples
	if len(examples) < 10 {
		t.Errorf("%d examples, want one of each kind", len(examples))
	}
	for name, e := range examples {
		body, err := json.Marshal(e.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		r, err := replay.Decode(body, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Apply != nil { // the answer has the request of the plan
			continue
		}
		frozen, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Frozen(frozen); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheExampleOfACorrectionIsAccepted(t *testing.T) {
	doc := load(t)
	body, err := json.Marshal(doc.Spec().Paths.Value("/versions").Post.RequestBody.Value.Content["application/json"].Example)
	if err != nil {
		t.Fatal(err)
	}
	r, err := replay.DecodeCorrection(body)
	if err != nil {
		t.Fatal(err)
	}
	frozen, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{doc.Correction(body), doc.Frozen(frozen)} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, body := range []string{
		`{"transform":{"mergePatch":{"n":1}},"reason":"x"}`,
		`{"resourceId":"r","reason":"x"}`,
		`{"resourceId":"r","transform":null,"reason":"x"}`,
		`{"resourceId":"r","transform":{"mergePatch":{}},"reason":"x"}`,
		`{"resourceId":"r","transform":{"mergePatch":{"n":1}}}`,
		`{"resourceId":"r","transform":{"mergePatch":{"n":1}},"reason":"x","publish":"suppress"}`,
		`{"resourceId":"r","versionId":"","transform":{"mergePatch":{"n":1}},"reason":"x"}`,
	} {
		if _, err := replay.DecodeCorrection([]byte(body)); err == nil {
			t.Errorf("the code accepts %s", body)
		}
		if err := doc.Correction([]byte(body)); err == nil {
			t.Errorf("the document accepts %s", body)
		}
	}
}

// at walks from a component schema by names of properties; "[]" stands for the items of an array, "{}" for the
// alternative that is an object.
func at(t *testing.T, doc *openapi.Document, path ...string) *openapi3.Schema {
	t.Helper()
	s := doc.Spec().Components.Schemas[path[0]]
	for _, step := range path[1:] {
		switch step {
		case "[]":
			s = s.Value.Items
		case "{}":
			i := slices.IndexFunc(s.Value.OneOf, func(s *openapi3.SchemaRef) bool { return len(s.Value.Properties) > 0 })
			s = s.Value.OneOf[i]
		default:
			s = s.Value.Properties[step]
		}
		if s == nil {
			t.Fatalf("%v has no %s", path, step)
		}
	}
	return s.Value
}

func TestLimitsAreThoseOfTheCode(t *testing.T) {
	doc := load(t)
	text := func(least, most int) string { return fmt.Sprintf("length %d to %d", least, most) }
	items := func(least, most int) string { return fmt.Sprintf("%d to %d items", least, most) }
	whole := func(least, most int) string { return fmt.Sprintf("number %d to %d", least, most) }
	const resourceIDBytes = replay.MaxKeyBytes - len(schema.EventsPrefix)
	for _, tt := range []struct {
		path []string
		want string
	}{
		{[]string{"ReplayRequest", "reason"}, text(1, replay.MaxReasonBytes)},
		{[]string{"ReplayRequest", "target"}, text(1, replay.MaxTargetBytes)},
		{[]string{"ReplayRequest", "maxPerSecond"}, whole(1, replay.MaxPerSecond)},
		{[]string{"ReplayRequest", "maxItems"}, whole(1, replay.MaxItems)},
		{[]string{"ReplayRequest", "maxFailures"}, whole(0, replay.MaxItems)},
		{[]string{"Select", "resourceIds"}, items(1, replay.MaxResourceIDs)},
		{[]string{"Select", "resourceIds", "[]"}, text(1, resourceIDBytes)},
		{[]string{"Select", "ownerId"}, text(1, replay.MaxOwnerBytes)},
		{[]string{"Select", "failures", "error"}, text(1, replay.MaxTargetBytes)},
		{[]string{"Versions", "{}", "ids"}, items(1, replay.MaxSeriesVersions)},
		{[]string{"Versions", "{}", "ids", "[]"}, text(1, replay.MaxVersionIDBytes)},
		{[]string{"Series", "{}", "last"}, whole(1, replay.MaxSeriesVersions)},
		{[]string{"Bound"}, text(1, replay.MaxVersionIDBytes)},
		{[]string{"Transform", "jsonPatch"}, items(1, replay.MaxPatchOperations)},
		{[]string{"CorrectionRequest", "reason"}, text(1, replay.MaxReasonBytes)},
		{[]string{"CorrectionRequest", "resourceId"}, text(1, resourceIDBytes)},
		{[]string{"FailureJobRequest", "reason"}, text(1, replay.MaxReasonBytes)},
		{[]string{"FailureQuery", "error"}, text(1, replay.MaxTargetBytes)},
		{[]string{"FailureQuery", "cause"}, text(1, replay.MaxTargetBytes)},
		{[]string{"FrozenRequest", "reason"}, text(1, replay.MaxReasonBytes)},
		{[]string{"FrozenRequest", "target"}, text(1, replay.MaxTargetBytes)},
		{[]string{"FrozenRequest", "maxPerSecond"}, whole(1, replay.MaxPerSecond)},
		{[]string{"FrozenRequest", "maxItems"}, whole(1, replay.MaxItems)},
		{[]string{"FrozenRequest", "maxFailures"}, whole(0, replay.MaxItems)},
		{[]string{"FrozenRequest", "select", "resourceIds"}, items(1, replay.MaxResourceIDs)},
		{[]string{"FrozenRequest", "transform", "jsonPatch"}, items(1, replay.MaxPatchOperations)},
		{[]string{"Problem", "errors"}, items(1, replay.MaxFaults)},
	} {
		if got := limits(at(t, doc, tt.path...)); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.path, got, tt.want)
		}
	}
	if got := *at(t, doc, "Plan", "sample").MaxItems; got != 3*replay.PlanSample {
		t.Errorf("a plan shows %d items, want %d", got, 3*replay.PlanSample)
	}
	groups := doc.Spec().Paths.Value("/failures/groups").Get.Responses.Status(200).Value.Content["application/json"].Schema.Value
	if got := *groups.Properties["groups"].Value.MaxItems; got != replay.MaxFailureGroups {
		t.Errorf("got at most %d groups, want %d", got, replay.MaxFailureGroups)
	}
	if got := limits(doc.Spec().Components.Parameters["Limit"].Value.Schema.Value); got != whole(1, replay.MaxPageSize) {
		t.Errorf("limit: got %s, want %s", got, whole(1, replay.MaxPageSize))
	}
	key := doc.Spec().Paths.Value("/replays").Post.Parameters[0].Value
	if got := limits(key.Schema.Value); key.Name != "Idempotency-Key" || got != text(1, replay.MaxIdempotencyKeyBytes) {
		t.Errorf("%s: got %s, want %s", key.Name, got, text(1, replay.MaxIdempotencyKeyBytes))
	}
}

// limits is what bounds a schema, as text.
func limits(s *openapi3.Schema) string {
	switch {
	case s.MaxLength != nil:
		return fmt.Sprintf("length %d to %d", s.MinLength, *s.MaxLength)
	case s.MaxItems != nil:
		return fmt.Sprintf("%d to %d items", s.MinItems, *s.MaxItems)
	case s.Min != nil && s.Max != nil:
		return fmt.Sprintf("number %.0f to %.0f", *s.Min, *s.Max)
	default:
		return "no limits"
	}
}

func TestWordsAreThoseOfTheCode(t *testing.T) {
	doc := load(t)
	actions := []replay.Action{replay.Rerun, replay.Republish, replay.Redrive}
	all := append(slices.Clone(actions), replay.Correct) // of POST /versions
	publish := []replay.Publish{replay.PublishNormal, replay.PublishSuppress}
	for _, tt := range []struct {
		path []string
		want []string
	}{
		{[]string{"Status"}, texts(replay.Statuses())},
		{[]string{"Outcome"}, texts(replay.Outcomes())},
		{[]string{"ReplayRequest", "action"}, texts(actions)},
		{[]string{"ReplayRequest", "publish"}, texts(publish)},
		{[]string{"FrozenRequest", "action"}, texts(all)},
		{[]string{"FrozenRequest", "publish"}, texts(publish)},
		{[]string{"Summary", "action"}, texts(all)},
		{[]string{"FailureStatus"}, texts(replay.FailureStatuses())},
		{[]string{"FailureJob", "action"}, texts([]replay.FailureAction{replay.CloseFailures, replay.ReopenFailures})},
		{[]string{"OnFailure"}, texts([]replay.OnFailure{replay.StopOnFailure, replay.ContinueOnFailure})},
		{[]string{"Stop", "status"}, texts([]replay.Status{replay.Cancelled, replay.Halted})},
	} {
		var got []string
		for _, word := range at(t, doc, tt.path...).Enum {
			if word != nil { // as good as absent
				got = append(got, fmt.Sprint(word))
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.path, got, tt.want)
		}
	}
}

func texts[T ~string](words []T) (all []string) {
	for _, w := range words {
		all = append(all, string(w))
	}
	return all
}

// A check that lets everything pass would prove nothing.
func TestAnAnswerThatDoesNotFitIsNoticed(t *testing.T) {
	doc := load(t)
	const counts = `{"matched":0,"started":0,"skipped":0,"succeeded":0,"failed":0}`
	const summary = `"replayId":"01ARZ3NDEKTSV4RRFFQ69G5FAV","status":"PENDING","action":"rerun","dryRun":false,"reason":"x","requestedBy":"me","createdAt":"2026-01-01T00:00:00Z","counts":` + counts + `,"links":{"self":"/v1","items":"/v1","cancel":"/v1","pause":"/v1","resume":"/v1"}`
	get := func(status int, kind, body string) openapi.Answer {
		return openapi.Answer{
			Method: "GET", Path: "/replays", Status: status, Header: map[string][]string{"Content-Type": {kind}}, Body: []byte(body),
		}
	}
	const kind = "application/json"
	if _, err := doc.Check(get(200, kind, `{"replays":[{`+summary+`}]}`)); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]openapi.Answer{
		"an unknown path":          {Method: "GET", Path: "/replay", Status: 200},
		"an undocumented status":   get(418, kind, `{}`),
		"another content type":     get(400, kind, `{"type":"about:blank","title":"Bad Request"}`),
		"a missing field":          get(200, kind, `{}`),
		"a field nobody documents": get(200, kind, `{"replays":[],"total":0}`),
		"one further down":         get(200, kind, `{"replays":[{`+summary+`,"owner":"x"}]}`),
		"an unknown word":          get(200, kind, `{"replays":[{`+summary+`,"status":"DONE"}]}`),
		"a time that is none":      get(200, kind, `{"replays":[{`+summary+`,"completedAt":"2026-13-01T00:00:00Z"}]}`),
		"what is not JSON":         get(200, kind, `replays`),
		"no Location": {Method: "POST", Path: "/replays", Status: 202, Header: map[string][]string{"Content-Type": {kind}},
			Body: []byte(`{"replayId":"01ARZ3NDEKTSV4RRFFQ69G5FAV","status":"PENDING","request":{"action":"rerun","select":{"all":true},"versions":"latest","publish":"normal","allowStale":false,"dryRun":false,"reason":"x"},"links":{"self":"/v1","items":"/v1","cancel":"/v1","pause":"/v1","resume":"/v1"}}`)},
	} {
		if _, err := doc.Check(a); err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// What depends on several fields is in the document, too, so that a client can tell before it asks.
func TestTheDocumentRefusesWhatTheCodeRefuses(t *testing.T) {
	doc := load(t)
	for _, body := range []string{
		`{"select":{"all":true},"reason":"x"}`,
		`{"select":{"all":true},"maxItems":null,"reason":"x"}`,
		`{"select":{},"reason":"x"}`,
		`{"select":{"ownerId":"o","all":true},"maxItems":5,"reason":"x"}`,
		`{"select":{"ownerId":"o","recorded":{}},"reason":"x"}`,
		`{"select":{"ownerId":"o"},"reason":"x","dryRum":true}`,
		`{"select":{"ownerId":"o"},"reason":null}`,
		`{"select":{"ownerId":"o"},"reason":"x","action":"republish","publish":"suppress"}`,
		`{"select":{"ownerId":"o"},"reason":"x","action":"redrive","target":"t"}`,
		`{"select":{"ownerId":"o"},"reason":"x","action":"redrive","versions":"latest"}`,
		`{"select":{"all":true},"maxItems":1,"reason":"x","action":"redrive"}`,
		`{"select":{"ownerId":"o"},"reason":"x","action":"republish","transform":{"mergePatch":{"a":1}}}`,
		`{"select":{"ownerId":"o"},"reason":"x","versions":{"series":{}}}`,
		`{"select":{"ownerId":"o"},"reason":"x","versions":{"series":{"last":1,"to":"-PT1H"}}}`,
		`{"select":{"ownerId":"o"},"reason":"x","versions":{"asOf":"-PT1H","onFailure":"stop"}}`,
		`{"select":{"ownerId":"o"},"reason":"x","versions":{"asOf":"yesterday"}}`,
		`{"select":{"ownerId":"o"},"reason":"x","transform":{}}`,
		`{"select":{"ownerId":"o"},"reason":"x","transform":{"jsonPatch":[{"op":"add","path":"/a"}]}}`,
		`{"select":{"ownerId":"o"},"reason":"x","transform":{"jsonPatch":[{"op":"remove","path":"a"}]}}`,
	} {
		if _, err := replay.Decode([]byte(body), time.Now()); err == nil {
			t.Errorf("the code accepts %s", body)
		}
		if err := doc.Request([]byte(body)); err == nil {
			t.Errorf("the document accepts %s", body)
		}
	}
}
