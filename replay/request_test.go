package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func ids(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%q", fmt.Sprint("listing-", i))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestDecodeAccepts(t *testing.T) {
	tests := []struct {
		name, body string
		want       Request
	}{
		{
			name: "resource ids", body: `{"select":{"resourceIds":["a","b"]},"reason":"geocoder was down"}`,
			want: Request{Action: Rerun, Versions: "latest", Reason: "geocoder was down", Select: Select{ResourceIDs: []string{"a", "b"}}},
		},
		{
			name: "an owner, with every default spelled out", body: `{"action":"rerun","versions":"latest","select":{"ownerId":"agency-1"},"reason":" why "}`,
			want: Request{Action: Rerun, Versions: "latest", Reason: "why", Select: Select{OwnerID: "agency-1"}},
		},
		{
			name: "repeated ids once, in order", body: `{"select":{"resourceIds":["b","a","b","a"]},"reason":"x"}`,
			want: Request{Action: Rerun, Versions: "latest", Reason: "x", Select: Select{ResourceIDs: []string{"b", "a"}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if got.Action != tt.want.Action || got.Versions != tt.want.Versions || got.Reason != tt.want.Reason ||
				got.Select.OwnerID != tt.want.Select.OwnerID || !slices.Equal(got.Select.ResourceIDs, tt.want.Select.ResourceIDs) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if _, err := Decode([]byte(`{"select":{"resourceIds":` + ids(MaxResourceIDs) + `},"reason":"x"}`)); err != nil {
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
		{name: "two selections", body: `{"select":{"resourceIds":["a"],"ownerId":"b"},"reason":"x"}`, fields: []string{"select"}},
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
		{name: "other versions", body: `{"versions":{"ids":["a"]},` + sel + `,"reason":"x"}`, fields: []string{"versions"}},
		{name: "every fault at once", body: `{"action":1,"nope":2}`, fields: []string{"nope", "action", "select", "reason"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode([]byte(tt.body))
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

// FuzzDecode checks that whatever arrives is either refused with faults or accepted as something that decodes to
// itself again: the listener decodes what the handler stored.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"select":{"resourceIds":["a"]},"reason":"x"}`, `{"select":{"ownerId":"o"},"reason":"x","versions":"latest"}`,
		`{}`, `null`, `[`, `{"select":{"resourceIds":["\ud800"]},"reason":"\u0000"}`, `{"a":{"b":{}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Decode(body)
		if err != nil {
			var invalid *InvalidError
			if !errors.As(err, &invalid) || len(invalid.Faults) == 0 {
				t.Fatalf("error without faults: %v", err)
			}
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(again); err != nil {
			t.Fatalf("accepted %s but not its own encoding %s: %v", body, again, err)
		}
	})
}
