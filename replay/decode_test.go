package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// now is when the tests decode: with a fraction below a millisecond, and not in UTC.
var now = time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))

const (
	one = `"select":{"resourceIds":["a"]},"reason":"x"`
	two = `"select":{"resourceIds":["a","b"]},"reason":"x"`
)

// with is a request about one resource that has more fields.
func with(fields string) string { return `{` + one + `,` + fields + `}` }

func utc(text string) *time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return &t
}

// changed is the request about one resource with every default, and a change.
func changed(change func(*Request)) Request {
	r := Request{
		Action: Rerun, Select: Select{ResourceIDs: []string{"a"}}, Versions: Versions{Mode: LatestVersion},
		Publish: PublishNormal, Reason: "x",
	}
	change(&r)
	return r
}

func selecting(s Select) Request { return changed(func(r *Request) { r.Select = s }) }

func failing(f FailureFilter) Request {
	return changed(func(r *Request) { r.Select, r.Versions = Select{Failures: &f}, Versions{Mode: FailedVersion} })
}

func versioned(v Versions) Request { return changed(func(r *Request) { r.Versions = v }) }

func series(s Series, f OnFailure) Request {
	return versioned(Versions{Mode: VersionSeries, Series: &s, OnFailure: f})
}

// form is a request and what it means.
type form struct {
	name, body string
	want       Request
}

// everyForm has a request for every form of every field.
func everyForm() []form {
	none := func(*Request) {}
	return append(selections(), []form{
		{"resource ids", `{"select":{"resourceIds":["a"]},"reason":" x "}`, changed(none)},
		{"every default spelled out", with(`"action":"rerun","versions":"latest","publish":"normal","allowStale":false,"dryRun":false`), changed(none)},
		{"null as absent", with(`"action":null,"versions":null,"transform":null,"publish":null,"target":null,"allowStale":null,"maxPerSecond":null,"maxItems":null,"maxFailures":null,"dryRun":null`), changed(none)},
		{"null as absent in the selection", `{"select":{"resourceIds":["a"],"ownerId":null,"all":null,"failures":null,"recorded":null},"reason":"x"}`, changed(none)},
		{"repeated ids once, in order", `{"select":{"resourceIds":["b","a","b","a"]},"reason":"x"}`, selecting(Select{ResourceIDs: []string{"b", "a"}})},
		{"an owner", `{"select":{"ownerId":"agency-1"},"reason":"x"}`, selecting(Select{OwnerID: "agency-1"})},
		{"everything", `{"select":{"all":true},"maxItems":5,"reason":"x"}`, changed(func(r *Request) { r.Select, r.MaxItems = Select{All: true}, 5 })},
		{"a window", `{"select":{"ownerId":"o","recorded":{"from":"-P1D","to":"2026-03-01T10:00:00.9999Z"}},"reason":"x"}`,
			selecting(Select{OwnerID: "o", Recorded: &Window{From: utc("2026-02-28T11:00:00.123Z"), To: utc("2026-03-01T10:00:00.999Z")}})},
		{"a window without an end", `{"select":{"ownerId":"o","recorded":{"from":"-P1D","to":null}},"reason":"x"}`,
			selecting(Select{OwnerID: "o", Recorded: &Window{From: utc("2026-02-28T11:00:00.123Z")}})},
		{"a window without a beginning", `{"select":{"ownerId":"o","recorded":{"to":"2026-03-01T00:00:00-05:30"}},"reason":"x"}`,
			selecting(Select{OwnerID: "o", Recorded: &Window{To: utc("2026-03-01T05:30:00Z")}})},
		{"all failures", `{"select":{"failures":{}},"reason":"x"}`, failing(FailureFilter{})},
		{"some failures", `{"select":{"failures":{"error":"Lambda.*","since":"-PT2H","until":"-PT1H"}},"reason":"x"}`,
			failing(FailureFilter{Error: "Lambda.*", Since: utc("2026-03-01T09:00:00.123Z"), Until: utc("2026-03-01T10:00:00.123Z")})},
		{"failures, null as absent", `{"select":{"failures":{"error":null,"since":null,"until":null}},"versions":"failed","reason":"x"}`, failing(FailureFilter{})},
		{"the longest glob", `{"select":{"failures":{"error":"` + strings.Repeat("*", 256) + `"}},"reason":"x"}`, failing(FailureFilter{Error: strings.Repeat("*", 256)})},
		{"the latest of failures", `{"select":{"failures":{}},"versions":"latest","reason":"x"}`,
			changed(func(r *Request) { r.Select = Select{Failures: &FailureFilter{}} })},
		{"version ids", with(`"versions":{"ids":["v2","v1","v2"]}`), versioned(Versions{Mode: VersionIDs, IDs: []string{"v2", "v1"}, OnFailure: StopOnFailure})},
		{"version ids that go on", with(`"versions":{"ids":["v"],"onFailure":"continue"}`), versioned(Versions{Mode: VersionIDs, IDs: []string{"v"}, OnFailure: ContinueOnFailure})},
		{"version ids of a resource named twice", `{"select":{"resourceIds":["a","a"]},"versions":{"ids":["v"]},"reason":"x"}`,
			versioned(Versions{Mode: VersionIDs, IDs: []string{"v"}, OnFailure: StopOnFailure})},
		{"the longest version id", with(`"versions":{"ids":["` + strings.Repeat("v", 1024) + `"]}`),
			versioned(Versions{Mode: VersionIDs, IDs: []string{strings.Repeat("v", 1024)}, OnFailure: StopOnFailure})},
		{"as of a time", with(`"versions":{"asOf":"2026-01-01T00:00:00+02:00"}`), versioned(Versions{Mode: VersionAsOf, AsOf: utc("2025-12-31T22:00:00Z")})},
		{"as of a relative time", with(`"versions":{"asOf":"-P2W","series":null}`), versioned(Versions{Mode: VersionAsOf, AsOf: utc("2026-02-15T11:00:00.123Z")})},
		{"a whole series", with(`"versions":{"series":"all"}`), series(Series{}, StopOnFailure)},
		{"a whole series that goes on", with(`"versions":{"series":"all","onFailure":"continue"}`), series(Series{}, ContinueOnFailure)},
		{"a series of the last", with(`"versions":{"series":{"last":1e1}}`), series(Series{Last: 10}, StopOnFailure)},
		{"a series that goes on, said inside", with(`"versions":{"series":{"last":1000,"onFailure":"continue"}}`), series(Series{Last: 1000}, ContinueOnFailure)},
		{"a series between versions", with(`"versions":{"series":{"from":"v1","to":"v2"},"onFailure":"stop"}`),
			series(Series{From: &Bound{VersionID: "v1"}, To: &Bound{VersionID: "v2"}}, StopOnFailure)},
		{"a series between times", with(`"versions":{"series":{"from":"-PT90S","to":"2026-03-01T11:00:00Z"}}`),
			series(Series{From: &Bound{Time: utc("2026-03-01T10:58:30.123Z")}, To: &Bound{Time: utc("2026-03-01T11:00:00Z")}}, StopOnFailure)},
		{"a series from a version to a time", with(`"versions":{"series":{"from":"v1","to":"-PT1M"}}`),
			series(Series{From: &Bound{VersionID: "v1"}, To: &Bound{Time: utc("2026-03-01T10:59:00.123Z")}}, StopOnFailure)},
		{"a series to a time, of many", `{` + two + `,"versions":{"series":{"from":null,"to":"2026-01-01T00:00:00Z"}}}`, changed(func(r *Request) {
			r.Select.ResourceIDs = []string{"a", "b"}
			r.Versions = Versions{Mode: VersionSeries, Series: &Series{To: &Bound{Time: utc("2026-01-01T00:00:00Z")}}, OnFailure: StopOnFailure}
		})},
		{"a merge patch", with(`"transform":{"mergePatch":{ "a" : null, "b": "<&>" },"jsonPatch":null}`),
			changed(func(r *Request) {
				r.Transform = &Transform{MergePatch: json.RawMessage(`{"a":null,"b":"\u003c\u0026\u003e"}`)}
			})},
		{"an expression", with(`"transform":{"jsonata":"$ ~> |a|{\"b\": \u003c1}|\n","function":null,"parameters":null}`),
			changed(func(r *Request) { r.Transform = &Transform{JSONata: "$ ~> |a|{\"b\": <1}|\n"} })},
		{"a function", with(`"transform":{"function":"fix-prices_2"}`),
			changed(func(r *Request) { r.Transform = &Transform{Function: "fix-prices_2"} })},
		{"a function with parameters", with(`"transform":{"function":"f","parameters":{ "n": 12345678901234567890, "x": {} }}`),
			changed(func(r *Request) {
				r.Transform = &Transform{Function: "f", Parameters: json.RawMessage(`{"n":12345678901234567890,"x":{}}`)}
			})},
		{"a JSON patch", with(`"transform":{"jsonPatch":[ {"op":"add","path":"/a~1b/~0","value":null,"note":1}, {"op":"remove","path":""}, {"op":"replace","path":"/","value":1}, {"op":"move","path":"/a","from":"/b"}, {"op":"copy","path":"/a","from":""}, {"op":"test","path":"/ä\u0000","value":[]} ]}`),
			changed(func(r *Request) {
				r.Transform = &Transform{JSONPatch: json.RawMessage(`[{"op":"add","path":"/a~1b/~0","value":null,"note":1},{"op":"remove","path":""},{"op":"replace","path":"/","value":1},{"op":"move","path":"/a","from":"/b"},{"op":"copy","path":"/a","from":""},{"op":"test","path":"/ä\u0000","value":[]}]`)}
			})},
		{"a rerun that is not published", with(`"publish":"suppress"`), changed(func(r *Request) { r.Publish = PublishSuppress })},
		{"a republish", with(`"action":"republish","publish":"normal","target":"search index"`), changed(func(r *Request) { r.Action, r.Target = Republish, "search index" })},
		{"a redrive", with(`"action":"redrive","publish":"normal","maxPerSecond":2`), changed(func(r *Request) {
			r.Action, r.Versions, r.MaxPerSecond = Redrive, Versions{Mode: FailedVersion}, 2
		})},
		{"a redrive of failures", `{"action":"redrive","select":{"failures":{}},"versions":"failed","reason":"x"}`,
			Request{Action: Redrive, Publish: PublishNormal, Reason: "x", Select: Select{Failures: &FailureFilter{}}, Versions: Versions{Mode: FailedVersion}}},
		{"the longest target", with(`"target":"` + strings.Repeat("t", 256) + `"`), changed(func(r *Request) { r.Target = strings.Repeat("t", 256) })},
		{"switches", with(`"allowStale":true,"dryRun":true`), changed(func(r *Request) { r.AllowStale, r.DryRun = true, true })},
		{"the least of every bound", with(`"maxPerSecond":1,"maxItems":1,"maxFailures":0`),
			changed(func(r *Request) { r.MaxPerSecond, r.MaxItems, r.MaxFailures = 1, 1, new(int) })},
		{"a ramp", with(`"ramp":true`), changed(func(r *Request) { r.Ramp = &Ramp{MaxFailureShare: 0.2} })},
		{"a ramp of the defaults", with(`"ramp":{"maxFailureShare":null}`), changed(func(r *Request) { r.Ramp = &Ramp{MaxFailureShare: 0.2} })},
		{"a ramp without failures", with(`"ramp":{"maxFailureShare":0},"action":"redrive"`), changed(func(r *Request) {
			r.Ramp, r.Action, r.Versions = &Ramp{}, Redrive, Versions{Mode: FailedVersion}
		})},
		{"no ramp", with(`"ramp":false`), changed(func(*Request) {})},
		{"the most of every bound", with(`"maxPerSecond":1e3,"maxItems":1000000.0,"maxFailures":1000000`), changed(func(r *Request) {
			most := 1_000_000
			r.MaxPerSecond, r.MaxItems, r.MaxFailures = 1000, most, &most
		})},
	}...)
}

// TestDecodeEveryForm also reads each request again from its encoding, by Decode later on and by encoding/json.
func TestDecodeEveryForm(t *testing.T) {
	for _, tt := range everyForm() {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode([]byte(tt.body), now)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			encoded, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Decode(encoded, now.Add(time.Hour))
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("%s decodes to %+v, %v, want %+v", encoded, again, err, got)
			}
			var read Request
			if err := json.Unmarshal(encoded, &read); err != nil || !reflect.DeepEqual(read, got) {
				t.Errorf("%s reads as %+v, %v, want %+v", encoded, read, err, got)
			}
		})
	}
}

func TestDecodeAcceptsTheMost(t *testing.T) {
	ops := strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"/a"},`, MaxPatchOperations), ",")
	for name, body := range map[string]string{
		"resources":  `{"select":{"resourceIds":` + ids(MaxResourceIDs) + `},"reason":"x"}`,
		"versions":   with(`"versions":{"ids":` + ids(MaxSeriesVersions) + `}`),
		"operations": with(`"transform":{"jsonPatch":[` + ops + `]}`),
		"patch":      with(`"transform":{"mergePatch":` + patch(MaxTransformBytes) + `}`),
	} {
		if _, err := Decode([]byte(body), now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A body of the 6 MB that a Lambda takes can have more faults than the 6 MB of its answer could hold.
func TestDecodeNamesAtMostMaxFaults(t *testing.T) {
	var body strings.Builder
	for i := range 5 * MaxFaults {
		fmt.Fprintf(&body, `,"f%d":1`, i)
	}
	_, err := Decode([]byte(`{`+one+body.String()+`}`), now)
	var invalid *InvalidError
	if !errors.As(err, &invalid) || len(invalid.Faults) != MaxFaults {
		t.Errorf("got %.200v, want %d faults", err, MaxFaults)
	}
}

// patch is a merge patch of so many bytes without the white space.
func patch(size int) string { return `{"a": "` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}` }

// A request that a client builds leaves the defaults to Decode.
func TestRequestWithoutDefaults(t *testing.T) {
	encoded, err := json.Marshal(Request{Select: Select{Failures: &FailureFilter{}}, Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decode(encoded, now); err != nil || !reflect.DeepEqual(got, failing(FailureFilter{})) {
		t.Errorf("%s decodes to %+v, %v", encoded, got, err)
	}
}

func TestDecodeRefusesInEveryField(t *testing.T) {
	op := func(op string) string {
		return with(`"transform":{"jsonPatch":[{"op":"remove","path":"/a"},` + op + `]}`)
	}
	failures := func(f string) string { return `{"select":{"failures":` + f + `},"reason":"x"}` }
	recorded := func(w string) string { return `{"select":{"ownerId":"o","recorded":` + w + `},"reason":"x"}` }
	tests := []struct {
		name, body string
		fields     []string
	}{
		{name: "a field without a name", body: with(`"":1`), fields: []string{"\"\""}},
		{name: "another action", body: with(`"action":"destroy"`), fields: []string{"action"}},
		{name: "an action that is no text", body: with(`"action":1`), fields: []string{"action"}},
		{name: "an empty action", body: with(`"action":""`), fields: []string{"action"}},
		{name: "a republish with a transform, not published", body: with(`"action":"republish","transform":{"mergePatch":{"a":1}},"publish":"suppress"`), fields: []string{"transform", "publish"}},
		{name: "a redrive with a transform, not published, for a target", body: with(`"action":"redrive","transform":{"mergePatch":{"a":1}},"publish":"suppress","target":"t"`), fields: []string{"transform", "publish", "target"}},
		{name: "a redrive of the latest version", body: with(`"action":"redrive","versions":"latest"`), fields: []string{"versions"}},
		{name: "a redrive of a series", body: with(`"action":"redrive","versions":{"series":"all"}`), fields: []string{"versions"}},
		{name: "a redrive of everything", body: `{"action":"redrive","select":{"all":true},"maxItems":1,"reason":"x"}`, fields: []string{"select.all"}},
		{name: "a selection that is not an object", body: `{"select":["a"],"reason":"x"}`, fields: []string{"select"}},
		{name: "a null selection", body: `{"select":null,"reason":"x"}`, fields: []string{"select"}},
		{name: "a selection of nulls", body: `{"select":{"all":null},"reason":"x"}`, fields: []string{"select"}},
		{name: "a window only", body: `{"select":{"recorded":{"from":"-P1D"}},"reason":"x"}`, fields: []string{"select"}},
		{name: "ids that are null", body: `{"select":{"resourceIds":["a",null]},"reason":"x"}`, fields: []string{"select.resourceIds"}},
		{name: "an owner that is no text", body: `{"select":{"ownerId":1},"reason":"x"}`, fields: []string{"select.ownerId"}},
		{name: "everything, unbounded", body: `{"select":{"all":true},"reason":"x"}`, fields: []string{"maxItems"}},
		{name: "everything, unbounded by null", body: `{"select":{"all":true},"maxItems":null,"reason":"x"}`, fields: []string{"maxItems"}},
		{name: "not everything", body: `{"select":{"all":false},"reason":"x"}`, fields: []string{"select.all"}},
		{name: "everything as text", body: `{"select":{"all":"true"},"reason":"x"}`, fields: []string{"select.all"}},
		{name: "failures that are no object", body: failures(`true`), fields: []string{"select.failures"}},
		{name: "an unknown filter", body: failures(`{"owner":"x"}`), fields: []string{"select.failures.owner"}},
		{name: "an empty glob", body: failures(`{"error":""}`), fields: []string{"select.failures.error"}},
		{name: "a bad glob", body: failures(`{"error":"a["}`), fields: []string{"select.failures.error"}},
		{name: "a glob of two lines", body: failures(`{"error":"a\nb"}`), fields: []string{"select.failures.error"}},
		{name: "a glob that is no text", body: failures(`{"error":1}`), fields: []string{"select.failures.error"}},
		{name: "a glob that is too long", body: failures(`{"error":"` + strings.Repeat("a", 257) + `"}`), fields: []string{"select.failures.error"}},
		{name: "bad times", body: failures(`{"since":"yesterday","until":1}`), fields: []string{"select.failures.since", "select.failures.until"}},
		{name: "failures of no time", body: failures(`{"since":"-PT1H","until":"-PT2H"}`), fields: []string{"select.failures.until"}},
		{name: "failures of one instant", body: failures(`{"since":"-PT1H","until":"-PT60M"}`), fields: []string{"select.failures.until"}},
		{name: "a window that is not an object", body: recorded(`"-P1D"`), fields: []string{"select.recorded"}},
		{name: "an empty window", body: recorded(`{}`), fields: []string{"select.recorded"}},
		{name: "a window of nulls", body: recorded(`{"from":null,"to":null}`), fields: []string{"select.recorded"}},
		{name: "an unknown end", body: recorded(`{"from":"-P1D","until":"-PT1H"}`), fields: []string{"select.recorded.until"}},
		{name: "an unusable window", body: recorded(`{"from":"2026-01-02T00:00:00Z","to":"2026-01-02T01:00:00+01:00"}`), fields: []string{"select.recorded.to"}},
		{name: "bad ends", body: recorded(`{"from":"2026-01-01","to":"-P1M"}`), fields: []string{"select.recorded.from", "select.recorded.to"}},
		{name: "other versions", body: with(`"versions":"oldest"`), fields: []string{"versions"}},
		{name: "versions that are no object", body: with(`"versions":1`), fields: []string{"versions"}},
		{name: "an array of versions", body: with(`"versions":["v"]`), fields: []string{"versions"}},
		{name: "failed versions of no failures", body: with(`"versions":"failed"`), fields: []string{"versions"}},
		{name: "no versions", body: with(`"versions":{}`), fields: []string{"versions"}},
		{name: "only what to do on a failure", body: with(`"versions":{"onFailure":"stop"}`), fields: []string{"versions"}},
		{name: "two kinds of versions", body: with(`"versions":{"ids":["v"],"series":"all"}`), fields: []string{"versions"}},
		{name: "an unknown kind of versions", body: with(`"versions":{"newest":1,"series":"all"}`), fields: []string{"versions.newest"}},
		{name: "version ids of two resources", body: `{` + two + `,"versions":{"ids":["v"]}}`, fields: []string{"versions.ids"}},
		{name: "version ids of an owner", body: `{"select":{"ownerId":"o"},"versions":{"ids":["v"]},"reason":"x"}`, fields: []string{"versions.ids"}},
		{name: "no version ids", body: with(`"versions":{"ids":[]}`), fields: []string{"versions.ids"}},
		{name: "one version id as text", body: with(`"versions":{"ids":"v"}`), fields: []string{"versions.ids"}},
		{name: "too many version ids", body: with(`"versions":{"ids":` + ids(MaxSeriesVersions+1) + `}`), fields: []string{"versions.ids"}},
		{name: "bad version ids, each by its place", body: with(`"versions":{"ids":["v","","a\nb","` + strings.Repeat("v", 1025) + `"]}`), fields: []string{"versions.ids[1]", "versions.ids[2]", "versions.ids[3]"}},
		{name: "another word on a failure", body: with(`"versions":{"ids":["v"],"onFailure":"retry"}`), fields: []string{"versions.onFailure"}},
		{name: "a bad time", body: with(`"versions":{"asOf":"v1"}`), fields: []string{"versions.asOf"}},
		{name: "as of, on a failure", body: with(`"versions":{"asOf":"-P1D","onFailure":"stop"}`), fields: []string{"versions.onFailure"}},
		{name: "another series", body: with(`"versions":{"series":"some"}`), fields: []string{"versions.series"}},
		{name: "a series that is a number", body: with(`"versions":{"series":3}`), fields: []string{"versions.series"}},
		{name: "an empty series", body: with(`"versions":{"series":{}}`), fields: []string{"versions.series"}},
		{name: "a series that only goes on", body: with(`"versions":{"series":{"onFailure":"continue"}}`), fields: []string{"versions.series"}},
		{name: "a series of the last from a version", body: with(`"versions":{"series":{"last":1,"from":"v"}}`), fields: []string{"versions.series"}},
		{name: "an unknown end of a series", body: with(`"versions":{"series":{"last":1,"until":"v"}}`), fields: []string{"versions.series.until"}},
		{name: "a series of none", body: with(`"versions":{"series":{"last":0}}`), fields: []string{"versions.series.last"}},
		{name: "a series that is too long", body: with(`"versions":{"series":{"last":1001}}`), fields: []string{"versions.series.last"}},
		{name: "another word on a failure, inside", body: with(`"versions":{"series":{"last":1,"onFailure":1}}`), fields: []string{"versions.series.onFailure"}},
		{name: "on a failure twice", body: with(`"versions":{"series":{"last":1,"onFailure":"stop"},"onFailure":"continue"}`), fields: []string{"versions.series.onFailure"}},
		{name: "bad ends of a series", body: with(`"versions":{"series":{"from":"","to":7}}`), fields: []string{"versions.series.from", "versions.series.to"}},
		{name: "an end of a series that is too long", body: with(`"versions":{"series":{"to":"` + strings.Repeat("v", 1025) + `"}}`), fields: []string{"versions.series.to"}},
		{name: "a series of no time", body: with(`"versions":{"series":{"from":"-PT1H","to":"-PT1H"}}`), fields: []string{"versions.series.to"}},
		{name: "a series between versions of two resources", body: `{` + two + `,"versions":{"series":{"from":"v1","to":"v2"}}}`, fields: []string{"versions.series.from", "versions.series.to"}},
		{name: "a series from a version of failures", body: `{"select":{"failures":{}},"versions":{"series":{"from":"v1"}},"reason":"x"}`, fields: []string{"versions.series.from"}},
		{name: "a transform that is not an object", body: with(`"transform":"x"`), fields: []string{"transform"}},
		{name: "an empty transform", body: with(`"transform":{}`), fields: []string{"transform"}},
		{name: "two transforms", body: with(`"transform":{"mergePatch":{"a":1},"jsonPatch":[{"op":"remove","path":"/a"}]}`), fields: []string{"transform"}},
		{name: "an expression and a function", body: with(`"transform":{"jsonata":"$","function":"f"}`), fields: []string{"transform"}},
		{name: "parameters alone", body: with(`"transform":{"parameters":{}}`), fields: []string{"transform"}},
		{name: "parameters of a patch", body: with(`"transform":{"mergePatch":{"a":1},"parameters":{}}`), fields: []string{"transform.parameters"}},
		{name: "parameters that are no object", body: with(`"transform":{"function":"f","parameters":[1]}`), fields: []string{"transform.parameters"}},
		{name: "parameters that are too large", body: with(`"transform":{"function":"f","parameters":` + patch(MaxTransformBytes+1) + `}`), fields: []string{"transform"}},
		{name: "parameters given twice", body: with(`"transform":{"function":"f","parameters":{"a":1,"a":2}}`), fields: []string{"transform.parameters.a"}},
		{name: "an empty expression", body: with(`"transform":{"jsonata":""}`), fields: []string{"transform.jsonata"}},
		{name: "an expression of spaces", body: with(`"transform":{"jsonata":" \n"}`), fields: []string{"transform.jsonata"}},
		{name: "an expression that is no text", body: with(`"transform":{"jsonata":{"a":1}}`), fields: []string{"transform.jsonata"}},
		{name: "an expression that is too long", body: with(`"transform":{"jsonata":"` + strings.Repeat("x", MaxJSONataBytes+1) + `"}`), fields: []string{"transform.jsonata"}},
		{name: "an expression with half of a surrogate pair", body: with(`"transform":{"jsonata":"\ud83d"}`), fields: []string{"transform.jsonata"}},
		{name: "a function without a name", body: with(`"transform":{"function":""}`), fields: []string{"transform.function"}},
		{name: "a function by its ARN", body: with(`"transform":{"function":"arn:aws:lambda:us-east-1:1:function:f"}`), fields: []string{"transform.function"}},
		{name: "a name that is too long", body: with(`"transform":{"function":"` + strings.Repeat("x", 65) + `"}`), fields: []string{"transform.function"}},
		{name: "an unknown transform", body: with(`"transform":{"jq":".","mergePatch":{"a":1}}`), fields: []string{"transform.jq"}},
		{name: "an empty merge patch", body: with(`"transform":{"mergePatch":{}}`), fields: []string{"transform.mergePatch"}},
		{name: "a merge patch that is not an object", body: with(`"transform":{"mergePatch":[1]}`), fields: []string{"transform.mergePatch"}},
		{name: "a merge patch that is too large", body: with(`"transform":{"mergePatch":` + patch(MaxTransformBytes+1) + `}`), fields: []string{"transform"}},
		{name: "a merge patch that is too large when it is encoded", body: with(`"transform":{"mergePatch":{"a":"` + strings.Repeat("<", MaxTransformBytes/6) + `"}}`), fields: []string{"transform"}},
		{name: "a merge patch with half of a surrogate pair", body: with(`"transform":{"mergePatch":{"a":"\ud83d"}}`), fields: []string{"transform.mergePatch"}},
		{name: "a merge patch that is not UTF-8", body: with("\"transform\":{\"mergePatch\":{\"a\":\"\xff\"}}"), fields: []string{"transform.mergePatch"}},
		{name: "an empty JSON patch", body: with(`"transform":{"jsonPatch":[]}`), fields: []string{"transform.jsonPatch"}},
		{name: "a JSON patch that is not an array", body: with(`"transform":{"jsonPatch":{"op":"remove","path":"/a"}}`), fields: []string{"transform.jsonPatch"}},
		{name: "too many operations", body: with(`"transform":{"jsonPatch":[` + strings.Repeat("0,", MaxPatchOperations) + `0]}`), fields: []string{"transform.jsonPatch"}},
		{name: "an operation that is not an object", body: op(`null,1,[]`), fields: []string{"transform.jsonPatch[1]", "transform.jsonPatch[2]", "transform.jsonPatch[3]"}},
		{name: "an operation without anything", body: op(`{}`), fields: []string{"transform.jsonPatch[1].op", "transform.jsonPatch[1].path"}},
		{name: "operations of another kind", body: op(`{"op":"Add","path":""},{"op":null,"path":""},{"op":1,"path":""}`), fields: []string{"transform.jsonPatch[1].op", "transform.jsonPatch[2].op", "transform.jsonPatch[3].op"}},
		{name: "bad pointers", body: op(`{"op":"remove","path":"a"},{"op":"remove","path":"/~2"},{"op":"remove","path":"/~"},{"op":"remove","path":null},{"op":"remove","path":["a"]}`), fields: []string{"transform.jsonPatch[1].path", "transform.jsonPatch[2].path", "transform.jsonPatch[3].path", "transform.jsonPatch[4].path", "transform.jsonPatch[5].path"}},
		{name: "operations without a value", body: op(`{"op":"add","path":""},{"op":"replace","path":""},{"op":"test","path":""}`), fields: []string{"transform.jsonPatch[1].value", "transform.jsonPatch[2].value", "transform.jsonPatch[3].value"}},
		{name: "operations without from", body: op(`{"op":"move","path":""},{"op":"copy","path":"","from":"a"}`), fields: []string{"transform.jsonPatch[1].from", "transform.jsonPatch[2].from"}},
		{name: "another publish mode", body: with(`"publish":"later"`), fields: []string{"publish"}},
		{name: "a publish mode that is no text", body: with(`"publish":true`), fields: []string{"publish"}},
		{name: "an empty target", body: with(`"target":""`), fields: []string{"target"}},
		{name: "a target of two lines", body: with(`"target":"a\nb"`), fields: []string{"target"}},
		{name: "a target that is no text", body: with(`"target":[]`), fields: []string{"target"}},
		{name: "a target that is too long", body: with(`"target":"` + strings.Repeat("t", 257) + `"`), fields: []string{"target"}},
		{name: "switches that are no booleans", body: with(`"allowStale":"true","dryRun":1`), fields: []string{"allowStale", "dryRun"}},
		{name: "bounds that are too low", body: with(`"maxPerSecond":0,"maxItems":0,"maxFailures":-1`), fields: []string{"maxPerSecond", "maxItems", "maxFailures"}},
		{name: "bounds that are too high", body: with(`"maxPerSecond":1001,"maxItems":1000001,"maxFailures":1000001`), fields: []string{"maxPerSecond", "maxItems", "maxFailures"}},
		{name: "bounds that are not whole", body: with(`"maxPerSecond":1.5,"maxItems":1e-1,"maxFailures":0.1`), fields: []string{"maxPerSecond", "maxItems", "maxFailures"}},
		{name: "bounds as texts", body: with(`"maxPerSecond":"10","maxItems":"10","maxFailures":"10"`), fields: []string{"maxPerSecond", "maxItems", "maxFailures"}},
		{name: "huge bounds", body: with(`"maxPerSecond":1e400,"maxItems":99999999999999999999999,"maxFailures":-1e308`), fields: []string{"maxPerSecond", "maxItems", "maxFailures"}},
		{name: "a ramp that is not an object", body: with(`"ramp":4`), fields: []string{"ramp"}},
		{name: "a ramp that is a list", body: with(`"ramp":[true]`), fields: []string{"ramp"}},
		{name: "a ramp with other fields", body: with(`"ramp":{"steps":3}`), fields: []string{"ramp.steps"}},
		{name: "a share that is too high", body: with(`"ramp":{"maxFailureShare":1}`), fields: []string{"ramp.maxFailureShare"}},
		{name: "a share that is too low", body: with(`"ramp":{"maxFailureShare":-0.1}`), fields: []string{"ramp.maxFailureShare"}},
		{name: "a share that is not a number", body: with(`"ramp":{"maxFailureShare":"0.1"}`), fields: []string{"ramp.maxFailureShare"}},
		{name: "a ramp of a republish", body: with(`"action":"republish","ramp":true`), fields: []string{"ramp"}},
		{name: "every fault at once", body: `{"action":1,"nope":2,"versions":{"series":{"last":0}},"target":"","maxItems":0}`, fields: []string{"nope", "action", "select", "versions.series.last", "target", "maxItems", "reason"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.body), now)
			var invalid *InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v, want an InvalidError", err)
			}
			var fields []string
			for _, f := range invalid.Faults {
				fields = append(fields, f.Field)
				if f.Detail == "" || len(f.Value) > 110 {
					t.Errorf("fault %+v has no detail or too long a value", f)
				}
			}
			if !slices.Equal(fields, tt.fields) {
				t.Errorf("got faults in %v, want %v: %v", fields, tt.fields, err)
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-31T08:00:00Z":                 "2026-01-31T08:00:00Z",
		"2026-01-31T08:00:00.123999+01:30":     "2026-01-31T06:30:00.123Z",
		"-PT2H":                                "2026-03-01T09:00:00.123Z",
		"-PT30M":                               "2026-03-01T10:30:00.123Z",
		"-PT90S":                               "2026-03-01T10:58:30.123Z",
		"-PT0S":                                "2026-03-01T11:00:00.123Z",
		"-P1D":                                 "2026-02-28T11:00:00.123Z",
		"-P1DT12H":                             "2026-02-27T23:00:00.123Z",
		"-P2W":                                 "2026-02-15T11:00:00.123Z",
		"-P36500D":                             "1926-03-26T11:00:00.123Z",
		"0001-01-01T00:00:00Z":                 "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999999Z":       "9999-12-31T23:59:59.999Z",
		"":                                     "",
		"now":                                  "",
		"2026-01-31":                           "",
		"2026-01-31T08:00:00":                  "",
		"2026-01-31T8:00:00Z":                  "",
		"2026-01-31T08:00:00,5Z":               "",
		"2026-02-30T08:00:00Z":                 "",
		"9999-12-31T23:59:59-01:00":            "",
		"0000-12-31T23:59:59Z":                 "",
		"0001-01-01T00:00:00+01:00":            "",
		"PT2H":                                 "",
		"P1D":                                  "",
		"-P":                                   "",
		"-PT":                                  "",
		"-P1DT":                                "",
		"-P1M":                                 "",
		"-P1Y":                                 "",
		"-PT1.5H":                              "",
		"-PT1H ":                               "",
		"-P36501D":                             "",
		"-P36500DT1S":                          "",
		"-P5214WT876000H":                      "",
		"-P5214W36500DT876000H":                "",
		"-PT99999999999999999999999999999999S": "",
	} {
		got, err := ParseTime(text, now)
		if (err == nil) != (want != "") {
			t.Errorf("ParseTime(%q) = %v, %v, want %q", text, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "no months or years") {
			t.Errorf("ParseTime(%q): %v does not say the remedy", text, err)
		}
		if want != "" && !reflect.DeepEqual(got, *utc(want)) {
			t.Errorf("ParseTime(%q) = %v, want %s", text, got, want)
		}
	}
}

func TestVersionsOfAnAnswer(t *testing.T) {
	for text, want := range map[string]Versions{
		`null`:                         {},
		`"latest"`:                     {Mode: LatestVersion},
		`{"series":{"from":"-PT2H"}}`:  {Mode: VersionSeries, Series: &Series{From: &Bound{VersionID: "-PT2H"}}},
		`{"ids":["v"],"later":"more"}`: {Mode: VersionIDs, IDs: []string{"v"}},
	} {
		var got Versions
		if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{`{}`, `1`, `[]`, `{"series":1}`, `{"series":{"to":1}}`, `{"asOf":"-PT2H"}`} {
		var got Versions
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s reads as %+v, want an error", text, got)
		}
	}
}

// limited reports the limit that an accepted request exceeds.
func limited(r Request) error {
	outside := func(n, least, most int) bool { return n < least || n > most }
	switch {
	case len(r.Select.ResourceIDs) > MaxResourceIDs:
		return errors.New("too many resources")
	case r.Select.All && r.MaxItems == 0:
		return errors.New("everything without a bound")
	case r.Select.Failures != nil && len(r.Select.Failures.Error) > MaxTargetBytes:
		return errors.New("too long a glob")
	case outside(r.MaxPerSecond, 0, MaxPerSecond), outside(r.MaxItems, 0, MaxItems):
		return errors.New("a bound out of range")
	case r.MaxFailures != nil && outside(*r.MaxFailures, 0, MaxItems):
		return errors.New("maxFailures out of range")
	case r.Ramp != nil && (r.Ramp.MaxFailureShare < 0 || r.Ramp.MaxFailureShare >= 1 || r.Action == Republish):
		return errors.New("a ramp out of range")
	case outside(len(r.Reason), 1, MaxReasonBytes), len(r.Target) > MaxTargetBytes:
		return errors.New("a text that is too long")
	case r.Action == Republish && (r.Transform != nil || r.Publish != PublishNormal):
		return errors.New("a republish that changes or suppresses")
	case r.Action == Redrive && (r.Transform != nil || r.Publish != PublishNormal || r.Target != "" || r.Select.All || r.Versions.Mode != FailedVersion):
		return errors.New("a redrive that would change its execution")
	case r.Transform != nil && outside(len(r.Transform.MergePatch)+len(r.Transform.JSONPatch)+len(r.Transform.JSONata)+
		len(r.Transform.Function), 1, MaxTransformBytes), r.Transform != nil && len(r.Transform.JSONata) > MaxJSONataBytes,
		r.Transform != nil && len(r.Transform.Parameters) > MaxTransformBytes:
		return errors.New("a transform out of range")
	}
	v := r.Versions
	several := v.Mode == VersionIDs || v.Mode == VersionSeries
	switch {
	case several != (v.OnFailure == StopOnFailure || v.OnFailure == ContinueOnFailure), !several && v.OnFailure != "":
		return errors.New("onFailure does not fit the mode")
	case (v.Mode == VersionSeries) != (v.Series != nil), (v.Mode == VersionAsOf) != (v.AsOf != nil):
		return errors.New("versions do not fit the mode")
	case v.Mode == VersionIDs && (len(r.Select.ResourceIDs) != 1 || outside(len(v.IDs), 1, MaxSeriesVersions)):
		return errors.New("version ids out of range")
	case v.Series != nil && outside(v.Series.Last, 0, MaxSeriesVersions):
		return errors.New("too long a series")
	case v.Mode == FailedVersion && r.Select.Failures == nil && r.Action != Redrive:
		return errors.New("failed versions of no failures")
	}
	return nil
}
