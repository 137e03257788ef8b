package replay

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestACorrectionIsAReplayOfOneVersion(t *testing.T) {
	patch := &Transform{MergePatch: json.RawMessage(`{"n":1.10}`)}
	for _, tt := range []struct {
		name, body string
		want       Request
	}{
		{"of the latest", `{"resourceId":"a/b","transform":{"mergePatch":{"n":1.10}},"reason":" x "}`,
			Request{Versions: Versions{Mode: LatestVersion}, Transform: patch, Reason: "x"}},
		{"of a named version", `{"resourceId":"a/b","versionId":"v1","transform":{"mergePatch":{"n":1.10}},"allowStale":true,"dryRun":true,"reason":"x"}`,
			Request{
				Versions:  Versions{Mode: VersionIDs, IDs: []string{"v1"}, OnFailure: StopOnFailure},
				Transform: patch, AllowStale: true, DryRun: true, Reason: "x",
			}},
		{"nulls count as absent", `{"resourceId":"a/b","versionId":null,"transform":{"mergePatch":{"n":1.10}},"dryRun":null,"reason":"x"}`,
			Request{Versions: Versions{Mode: LatestVersion}, Transform: patch, Reason: "x"}},
	} {
		tt.want.Action, tt.want.Publish, tt.want.Select = Correct, PublishNormal, Select{ResourceIDs: []string{"a/b"}}
		got, err := DecodeCorrection([]byte(tt.body))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestFaultsOfACorrectionAreNamed(t *testing.T) {
	const patch = `"transform":{"mergePatch":{"n":1}}`
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", `{}`, "resourceId transform reason"},
		{"an array", `[]`, "body"},
		{"a field of a replay", `{"resourceId":"r","select":{},` + patch + `,"reason":"x"}`, "select"},
		{"an id that is not one", `{"resourceId":"",` + patch + `,"reason":"x"}`, "resourceId"},
		{"an id that is a number", `{"resourceId":7,` + patch + `,"reason":"x"}`, "resourceId"},
		{"a version that is too long", `{"resourceId":"r","versionId":"` + strings.Repeat("v", 1025) + `",` + patch + `,"reason":"x"}`, "versionId"},
		{"a patch that changes nothing", `{"resourceId":"r","transform":{"mergePatch":{}},"reason":"x"}`, "transform.mergePatch"},
		{"an expression", `{"resourceId":"r","transform":{"jsonata":"$"},"reason":"x"}`, "transform"},
		{"a function", `{"resourceId":"r","transform":{"function":"f"},"reason":"x"}`, "transform"},
		{"two patches", `{"resourceId":"r","transform":{"mergePatch":{"a":1},"jsonPatch":[]},"reason":"x"}`, "transform"},
		{"a reason of two lines", `{"resourceId":"r",` + patch + `,"reason":"x\ny"}`, "reason"},
		{"a reason that is blank", `{"resourceId":"r",` + patch + `,"reason":"  "}`, "reason"},
		{"a key that is given twice", `{"resourceId":"r","resourceId":"s",` + patch + `,"reason":"x"}`, "resourceId"},
		{"flags that are strings", `{"resourceId":"r","allowStale":"yes","dryRun":1,` + patch + `,"reason":"x"}`, "allowStale dryRun"},
	} {
		_, err := DecodeCorrection([]byte(tt.body))
		var invalid *InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: got %v, want faults", tt.name, err)
			continue
		}
		var fields []string
		for _, f := range invalid.Faults {
			fields = append(fields, f.Field)
		}
		if got := strings.Join(fields, " "); got != tt.want {
			t.Errorf("%s: got faults of %q, want of %q", tt.name, got, tt.want)
		}
	}
}

// POST /replays does not take the action of POST /versions.
func TestAReplayIsNotACorrection(t *testing.T) {
	if _, err := Decode([]byte(`{"action":"correct","select":{"resourceIds":["r"]},"reason":"x"}`), now); err == nil {
		t.Error("it was accepted")
	}
}
