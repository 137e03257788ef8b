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

func ids(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%q", fmt.Sprint("listing-", i))
	}
	return "[" + strings.Join(list, ",") + "]"
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *time.Time {
	t := noon.Add(d)
	return &t
}

func TestDecodeAccepts(t *testing.T) {
	ten := 10
	one := Select{ResourceIDs: []string{"a"}}
	stop := StopOnFailure
	tests := []struct {
		name, body string // body: without select and reason, unless it has a select
		want       Request
	}{
		{name: "resource ids", body: `"select":{"resourceIds":["a","b"]}`, want: Request{Select: Select{ResourceIDs: []string{"a", "b"}}}},
		{
			name: "an owner, with every default spelled out", body: `"action":"rerun","versions":"latest","publish":"normal","allowStale":false,"dryRun":false,"select":{"ownerId":"agency-1"}`,
			want: Request{Select: Select{OwnerID: "agency-1"}},
		},
		{
			name: "null is absent", body: `"action":null,"versions":null,"publish":null,"target":null,"transform":null,"maxItems":null,"maxFailures":null,"maxPerSecond":null,"allowStale":null,"dryRun":null,"select":{"ownerId":"o","resourceIds":null,"recorded":null}`,
			want: Request{Select: Select{OwnerID: "o"}},
		},
		{name: "repeated ids once, in order", body: `"select":{"resourceIds":["b","a","b","a"]}`, want: Request{Select: Select{ResourceIDs: []string{"b", "a"}}}},
		{name: "all", body: `"select":{"all":true},"maxItems":1e1`, want: Request{Select: Select{All: true}, MaxItems: 10}},
		{name: "failures", body: `"select":{"failures":{}}`, want: Request{Select: Select{Failures: &FailureFilter{}}, Versions: Versions{Mode: FailedVersion}}},
		{
			name: "failures by error and time", body: `"versions":"latest","select":{"failures":{"error":"Geocoder*","since":"-PT2H","until":"2026-11-24T12:30:00+01:00"}}`,
			want: Request{Select: Select{Failures: &FailureFilter{Error: "Geocoder*", Since: at(-2 * time.Hour), Until: at(-30 * time.Minute)}}},
		},
		{
			name: "a window", body: `"select":{"ownerId":"o","recorded":{"from":"-P1DT12H","to":"-PT90S"}}`,
			want: Request{Select: Select{OwnerID: "o", Recorded: &Window{From: at(-36 * time.Hour), To: at(-90 * time.Second)}}},
		},
		{name: "half a window", body: `"select":{"ownerId":"o","recorded":{"from":"-P2W"}}`, want: Request{Select: Select{OwnerID: "o", Recorded: &Window{From: at(-14 * 24 * time.Hour)}}}},
		{name: "versions by id", body: `"versions":{"ids":["v1","v2","v1"],"onFailure":"continue"}`, want: Request{Select: one, Versions: Versions{Mode: VersionIDs, IDs: []string{"v1", "v2"}, OnFailure: ContinueOnFailure}}},
		{name: "as of", body: `"versions":{"asOf":"-PT1H"}`, want: Request{Select: one, Versions: Versions{Mode: VersionAsOf, AsOf: at(-time.Hour)}}},
		{name: "a series of all", body: `"versions":{"series":"all"}`, want: Request{Select: one, Versions: Versions{Mode: VersionSeries, Series: &Series{}, OnFailure: stop}}},
		{name: "the last", body: `"versions":{"series":{"last":3}}`, want: Request{Select: one, Versions: Versions{Mode: VersionSeries, Series: &Series{Last: 3}, OnFailure: stop}}},
		{name: "onFailure inside", body: `"versions":{"series":{"last":3,"onFailure":"continue"}}`, want: Request{Select: one, Versions: Versions{Mode: VersionSeries, Series: &Series{Last: 3}, OnFailure: ContinueOnFailure}}},
		{name: "from a version to a time", body: `"versions":{"series":{"from":"v1","to":"-PT1S"}}`, want: Request{Select: one, Versions: Versions{Mode: VersionSeries, Series: &Series{From: &Bound{VersionID: "v1"}, To: &Bound{Time: at(-time.Second)}}, OnFailure: stop}}},
		{name: "a merge patch", body: `"transform":{"mergePatch":{"a": null}}`, want: Request{Select: one, Transform: &Transform{MergePatch: json.RawMessage(`{"a":null}`)}}},
		{name: "a JSON patch", body: `"transform":{"jsonPatch":[{"op":"move","from":"/a~1b","path":""}, {"op":"test","path":"/~0","value":null,"x":1}]}`, want: Request{Select: one, Transform: &Transform{JSONPatch: json.RawMessage(`[{"op":"move","from":"/a~1b","path":""},{"op":"test","path":"/~0","value":null,"x":1}]`)}}},
		{
			name: "everything else", body: `"action":"republish","target":"search","allowStale":true,"maxPerSecond":1000,"maxItems":10,"maxFailures":10,"dryRun":true`,
			want: Request{Select: one, Action: Republish, Target: "search", AllowStale: true, MaxPerSecond: 1000, MaxItems: 10, MaxFailures: &ten, DryRun: true},
		},
		{name: "suppressed", body: `"publish":"suppress","maxFailures":0`, want: Request{Select: one, Publish: PublishSuppress, MaxFailures: new(int)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{` + tt.body + `,"reason":" why "}`
			if !strings.Contains(body, `"select"`) {
				body = `{"select":{"resourceIds":["a"]},` + body[1:]
			}
			want := tt.want
			want.Reason = "why"
			if want.Action == "" {
				want.Action = Rerun
			}
			if want.Publish == "" {
				want.Publish = PublishNormal
			}
			if want.Versions.Mode == "" {
				want.Versions.Mode = LatestVersion
			}
			got, err := Decode([]byte(body), noon)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			again, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if stored, err := Decode(again, noon.Add(time.Hour)); err != nil || !reflect.DeepEqual(stored, got) {
				t.Errorf("stored as %s it is %+v, %v; want %+v", again, stored, err, got)
			}
			var read Request
			if err := json.Unmarshal(again, &read); err != nil || !reflect.DeepEqual(read, got) {
				t.Errorf("a client reads %s as %+v, %v; want %+v", again, read, err, got)
			}
		})
	}
	if _, err := Decode([]byte(`{"select":{"resourceIds":`+ids(MaxResourceIDs)+`},"reason":"x"}`), noon); err != nil {
		t.Errorf("%d ids: %v", MaxResourceIDs, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	const sel = `"select":{"resourceIds":["a"]}`
	tests := []struct {
		name, body string
		fields     []string
	}{
		{name: "what is not JSON", body: `replay everything`, fields: []string{"body"}},
		{name: "an empty body", body: ``, fields: []string{"body"}},
		{name: "null", body: `null`, fields: []string{"body"}},
		{name: "an array", body: `[]`, fields: []string{"body"}},
		{name: "two documents", body: `{` + sel + `,"reason":"x"} {}`, fields: []string{"body"}},
		{name: "unknown fields, all of them", body: `{` + sel + `,"reason":"x","force":true,"dry":1}`, fields: []string{"dry", "force"}},
		{name: "no selection", body: `{"reason":"x"}`, fields: []string{"select"}},
		{name: "an empty selection", body: `{"select":{},"reason":"x"}`, fields: []string{"select"}},
		{name: "two selections", body: `{"select":{"all":true,"ownerId":"b"},"maxItems":1,"reason":"x"}`, fields: []string{"select.all"}},
		{name: "an unknown selection", body: `{"select":{"everything":true},"reason":"x"}`, fields: []string{"select.everything", "select"}},
		{name: "no ids", body: `{"select":{"resourceIds":[]},"reason":"x"}`, fields: []string{"select.resourceIds"}},
		{name: "5,000 ids", body: `{"select":{"resourceIds":` + ids(5000) + `},"reason":"x"}`, fields: []string{"select.resourceIds"}},
		{name: "ids that are no texts", body: `{"select":{"resourceIds":[1]},"reason":"x"}`, fields: []string{"select.resourceIds"}},
		{name: "bad ids, each by its place", body: `{"select":{"resourceIds":["a","","b\u0000"]},"reason":"x"}`, fields: []string{"select.resourceIds[1]", "select.resourceIds[2]"}},
		{name: "an empty owner", body: `{"select":{"ownerId":""},"reason":"x"}`, fields: []string{"select.ownerId"}},
		{name: "no reason", body: `{` + sel + `}`, fields: []string{"reason"}},
		{name: "a blank reason", body: `{` + sel + `,"reason":"  "}`, fields: []string{"reason"}},
		{name: "a reason that is too long", body: `{` + sel + `,"reason":"` + strings.Repeat("x", MaxReasonBytes+1) + `"}`, fields: []string{"reason"}},
		{name: "a reason of two lines", body: `{` + sel + `,"reason":"a\nb"}`, fields: []string{"reason"}},
		{name: "a null reason", body: `{` + sel + `,"reason":null}`, fields: []string{"reason"}},
		{name: "another action", body: `{"action":"destroy",` + sel + `,"reason":"x"}`, fields: []string{"action"}},
		{name: "unknown versions", body: `{"versions":"newest",` + sel + `,"reason":"x"}`, fields: []string{"versions"}},
		{name: "two kinds of versions", body: `{"versions":{"ids":["a"],"asOf":"-PT1H"},` + sel + `,"reason":"x"}`, fields: []string{"versions"}},
		{name: "versions of several resources", body: `{"versions":{"ids":["a"]},"select":{"resourceIds":["a","b"]},"reason":"x"}`, fields: []string{"versions.ids"}},
		{name: "versions of an owner", body: `{"versions":{"series":{"from":"v1"}},"select":{"ownerId":"a"},"reason":"x"}`, fields: []string{"versions.series.from"}},
		{name: "1,001 versions", body: `{"versions":{"ids":` + ids(MaxSeriesVersions+1) + `},` + sel + `,"reason":"x"}`, fields: []string{"versions.ids"}},
		{name: "an empty version id", body: `{"versions":{"ids":[""]},` + sel + `,"reason":"x"}`, fields: []string{"versions.ids[0]"}},
		{name: "no versions in a series", body: `{"versions":{"series":{}},` + sel + `,"reason":"x"}`, fields: []string{"versions.series"}},
		{name: "a series of too many", body: `{"versions":{"series":{"last":1001}},` + sel + `,"reason":"x"}`, fields: []string{"versions.series.last"}},
		{name: "a series of two kinds", body: `{"versions":{"series":{"last":1,"from":"v"}},` + sel + `,"reason":"x"}`, fields: []string{"versions.series"}},
		{name: "a series backwards", body: `{"versions":{"series":{"from":"-PT1H","to":"-PT2H"}},` + sel + `,"reason":"x"}`, fields: []string{"versions.series.to"}},
		{name: "onFailure without a series", body: `{"versions":{"asOf":"-PT2H","onFailure":"stop"},` + sel + `,"reason":"x"}`, fields: []string{"versions.onFailure"}},
		{name: "an unknown onFailure", body: `{"versions":{"series":"all","onFailure":"ask"},` + sel + `,"reason":"x"}`, fields: []string{"versions.onFailure"}},
		{name: "failed versions without failures", body: `{"versions":"failed",` + sel + `,"reason":"x"}`, fields: []string{"versions"}},
		{name: "a time without offset", body: `{"versions":{"asOf":"2026-11-24T12:00:00"},` + sel + `,"reason":"x"}`, fields: []string{"versions.asOf"}},
		{name: "a month", body: `{"versions":{"asOf":"-P1M"},` + sel + `,"reason":"x"}`, fields: []string{"versions.asOf"}},
		{name: "the future", body: `{"versions":{"asOf":"PT2H"},` + sel + `,"reason":"x"}`, fields: []string{"versions.asOf"}},
		{name: "nothing ago", body: `{"versions":{"asOf":"-PT"},` + sel + `,"reason":"x"}`, fields: []string{"versions.asOf"}},
		{name: "more than 100 years ago", body: `{"versions":{"asOf":"-P99999D"},` + sel + `,"reason":"x"}`, fields: []string{"versions.asOf"}},
		{name: "all without a limit", body: `{"select":{"all":true},"reason":"x"}`, fields: []string{"maxItems"}},
		{name: "not all", body: `{"select":{"all":false},"maxItems":1,"reason":"x"}`, fields: []string{"select.all"}},
		{name: "an empty window", body: `{"select":{"ownerId":"a","recorded":{}},"reason":"x"}`, fields: []string{"select.recorded"}},
		{name: "a window backwards", body: `{"select":{"ownerId":"a","recorded":{"from":"-PT1H","to":"-PT1H"}},"reason":"x"}`, fields: []string{"select.recorded.to"}},
		{name: "a window only", body: `{"select":{"recorded":{"from":"-PT1H"}},"reason":"x"}`, fields: []string{"select"}},
		{name: "a bad glob", body: `{"select":{"failures":{"error":"[a"}},"reason":"x"}`, fields: []string{"select.failures.error"}},
		{name: "an unknown filter", body: `{"select":{"failures":{"errors":"a"}},"reason":"x"}`, fields: []string{"select.failures.errors"}},
		{name: "two patches", body: `{"transform":{"mergePatch":{"a":1},"jsonPatch":[]},` + sel + `,"reason":"x"}`, fields: []string{"transform"}},
		{name: "an empty merge patch", body: `{"transform":{"mergePatch":{}},` + sel + `,"reason":"x"}`, fields: []string{"transform.mergePatch"}},
		{name: "a merge patch that is none", body: `{"transform":{"mergePatch":[1]},` + sel + `,"reason":"x"}`, fields: []string{"transform.mergePatch"}},
		{name: "no operations", body: `{"transform":{"jsonPatch":[]},` + sel + `,"reason":"x"}`, fields: []string{"transform.jsonPatch"}},
		{
			name: "bad operations, each by its place", body: `{"transform":{"jsonPatch":[{"op":"add","path":"/a"},{"op":"copy","path":"a"},{"op":"drop","path":"/~2"},{"path":"/a"},7]},` + sel + `,"reason":"x"}`,
			fields: []string{
				"transform.jsonPatch[0].value", "transform.jsonPatch[1].path", "transform.jsonPatch[1].from",
				"transform.jsonPatch[2].op", "transform.jsonPatch[2].path", "transform.jsonPatch[3].op", "transform.jsonPatch[4]",
			},
		},
		{name: "a patch that is too large", body: `{"transform":{"mergePatch":{"a":"` + strings.Repeat("x", MaxTransformBytes) + `"}},` + sel + `,"reason":"x"}`, fields: []string{"transform"}},
		{name: "a republish with a transform", body: `{"action":"republish","transform":{"mergePatch":{"a":1}},` + sel + `,"reason":"x"}`, fields: []string{"transform"}},
		{name: "a republish that publishes nothing", body: `{"action":"republish","publish":"suppress",` + sel + `,"reason":"x"}`, fields: []string{"publish"}},
		{
			name: "numbers out of range", body: `{"maxPerSecond":0,"maxItems":1000001,"maxFailures":-1,` + sel + `,"reason":"x"}`,
			fields: []string{"maxPerSecond", "maxItems", "maxFailures"},
		},
		{
			name: "what is no whole number", body: `{"maxPerSecond":1.5,"maxItems":"10","maxFailures":1e999,` + sel + `,"reason":"x"}`,
			fields: []string{"maxPerSecond", "maxItems", "maxFailures"},
		},
		{name: "flags that are none", body: `{"allowStale":1,"dryRun":"yes",` + sel + `,"reason":"x"}`, fields: []string{"allowStale", "dryRun"}},
		{name: "a target of two lines", body: `{"target":"a\nb",` + sel + `,"reason":"x"}`, fields: []string{"target"}},
		{name: "a target that is too long", body: `{"target":"` + strings.Repeat("x", MaxTargetBytes+1) + `",` + sel + `,"reason":"x"}`, fields: []string{"target"}},
		{name: "every fault at once", body: `{"action":1,"nope":2}`, fields: []string{"nope", "action", "select", "reason"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.body), noon)
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

// FuzzDecode checks that whatever arrives is either refused with faults or accepted as something within the limits that
// decodes to itself again: the listener decodes what the handler stored.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"select":{"resourceIds":["a"]},"reason":"x"}`, `{"select":{"ownerId":"o"},"reason":"x","versions":"latest"}`,
		`{}`, `null`, `[`, `{"select":{"resourceIds":["\ud800"]},"reason":"\u0000"}`, `{"a":{"b":{}}}`,
		`{"select":{"all":true,"recorded":{"from":"-PT2H","to":"2026-01-01T00:00:00Z"}},"maxItems":5,"reason":"x"}`,
		`{"select":{"failures":{"error":"A*","since":"-P1D"}},"reason":"x","versions":"failed"}`,
		`{"select":{"resourceIds":["a"]},"reason":"x","versions":{"series":{"from":"v","to":"-PT1S"},"onFailure":"continue"}}`,
		`{"select":{"resourceIds":["a"]},"reason":"x","versions":{"ids":["v","w"]},"transform":{"mergePatch":{"a":null}}}`,
		`{"select":{"resourceIds":["a"]},"reason":"x","transform":{"jsonPatch":[{"op":"move","from":"/a","path":"/b"}]}}`,
		`{"action":"republish","select":{"ownerId":"o"},"reason":"x","target":"t","maxPerSecond":9,"maxFailures":0,"dryRun":true}`,
		`{"select":{"resourceIds":["a"]},"reason":"x","maxPerSecond":1e400,"maxItems":"1","maxFailures":-1,"":1}`,
		`{"select":{"resourceIds":["a"]},"reason":"x","transform":{"jsonPatch":[{"op":"move","path":"/~"},1]}}`,
	} {
		f.Add([]byte(s))
	}
	for _, tt := range everyForm() {
		f.Add([]byte(tt.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Decode(body, noon)
		if err != nil {
			var invalid *InvalidError
			if !errors.As(err, &invalid) || len(invalid.Faults) == 0 {
				t.Fatalf("error without faults: %v", err)
			}
			for _, fault := range invalid.Faults {
				if fault.Field == "" || fault.Detail == "" {
					t.Fatalf("fault without a field or a detail: %+v", fault)
				}
			}
			return
		}
		if err := limited(r); err != nil {
			t.Fatalf("accepted %s: %v", body, err)
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := Decode(again, noon.Add(time.Hour))
		if err != nil {
			t.Fatalf("accepted %s but not its own encoding %s: %v", body, again, err)
		}
		if third, err := json.Marshal(stored); err != nil || string(third) != string(again) {
			t.Fatalf("%s is stored as %s and then as %s, %v", body, again, third, err)
		}
		var read Request
		if err := json.Unmarshal(again, &read); err != nil || !reflect.DeepEqual(stored, r) || !reflect.DeepEqual(read, r) {
			t.Fatalf("%s is stored as %+v and reads as %+v, %v, want %+v", body, stored, read, err, r)
		}
	})
}
