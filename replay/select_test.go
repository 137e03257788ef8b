package replay

import (
	"errors"
	"strings"
	"testing"
)

// selections are forms of selections that combine.
func selections() []form {
	window := &Window{From: utc("2026-02-28T11:00:00.123Z")}
	failed := func(s Select) Request {
		return changed(func(r *Request) { r.Select, r.Versions = s, Versions{Mode: FailedVersion} })
	}
	return []form{
		{"resources of an owner", `{"select":{"resourceIds":["a"],"ownerId":"o"},"reason":"x"}`,
			selecting(Select{ResourceIDs: []string{"a"}, OwnerID: "o"})},
		{"failures of an owner, by state and cause", `{"select":{"ownerId":"o","failures":{"state":"Enrich","cause":"timed out","error":null}},"reason":"x"}`,
			failed(Select{OwnerID: "o", Failures: &FailureFilter{State: "Enrich", Cause: "timed out"}})},
		{"failures of resources in a window", `{"select":{"resourceIds":["a"],"failures":{},"recorded":{"from":"-P1D"}},"reason":"x"}`,
			failed(Select{ResourceIDs: []string{"a"}, Failures: &FailureFilter{}, Recorded: window})},
		{"what became of versions", `{"select":{"ownerId":"o","outcome":"failed"},"reason":"x"}`,
			selecting(Select{OwnerID: "o", Outcome: VersionFailed})},
		{"a filter", `{"select":{"ownerId":"o","where":"@.price > 5 && @.zip == '98029'"},"reason":"x"}`,
			selecting(Select{OwnerID: "o", Where: "@.price > 5 && @.zip == '98029'"})},
		{"the longest filter", `{"select":{"ownerId":"o","where":"@.` + strings.Repeat("a", MaxWhereBytes-2) + `"},"reason":"x"}`,
			selecting(Select{OwnerID: "o", Where: "@." + strings.Repeat("a", MaxWhereBytes-2)})},
		{"everything that a filter and a window fit", `{"select":{"all":true,"recorded":{"from":"-P1D"},"outcome":"unknown","where":"@.a"},"maxItems":5,"reason":"x"}`,
			changed(func(r *Request) {
				r.Select, r.MaxItems = Select{All: true, Recorded: window, Outcome: VersionUnknown, Where: "@.a"}, 5
			})},
		{"every condition, null as absent", `{"select":{"resourceIds":["a"],"outcome":null,"where":null},"reason":"x"}`,
			changed(func(*Request) {})},
	}
}

// What narrows a selection is not one: nothing else given, it would be everything.
func TestASelectionSaysWhatItIsAbout(t *testing.T) {
	for selection, field := range map[string]string{
		`{}`:                               "select",
		`{"where":"@.a"}`:                  "select",
		`{"outcome":"failed"}`:             "select",
		`{"recorded":{"from":"-P1D"}}`:     "select",
		`{"resourceIds":[]}`:               "select.resourceIds",
		`{"ownerId":""}`:                   "select.ownerId",
		`{"all":true,"ownerId":"o"}`:       "select.all",
		`{"all":true,"resourceIds":["a"]}`: "select.all",
		`{"all":true,"failures":{}}`:       "select.all",
		`{"ownerId":"o","where":""}`:       "select.where",
		`{"ownerId":"o","where":" \n"}`:    "select.where",
		`{"ownerId":"o","where":1}`:        "select.where",
		`{"ownerId":"o","where":"` + strings.Repeat("@", MaxWhereBytes+1) + `"}`: "select.where",
		`{"ownerId":"o","where":"@.\ud800"}`:                                     "select.where",
		`{"ownerId":"o","outcome":"FAILED"}`:                                     "select.outcome",
		`{"ownerId":"o","outcome":["failed"]}`:                                   "select.outcome",
		`{"failures":{"state":""}}`:                                              "select.failures.state",
		`{"failures":{"state":"a\nb"}}`:                                          "select.failures.state",
		`{"failures":{"state":"a["}}`:                                            "select.failures.state",
		`{"failures":{"cause":""}}`:                                              "select.failures.cause",
		`{"failures":{"cause":7}}`:                                               "select.failures.cause",
		`{"failures":{"cause":"` + strings.Repeat("a", 257) + `"}}`:              "select.failures.cause",
	} {
		_, err := Decode([]byte(`{"select":`+selection+`,"maxItems":5,"reason":"x"}`), now)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || len(invalid.Faults) != 1 || invalid.Faults[0].Field != field {
			t.Errorf("%.80s: got %v, want one fault in %s", selection, err, field)
		}
	}
}

func TestWhatBecameOfAVersion(t *testing.T) {
	ran := func(statuses ...string) (v Version) {
		for _, s := range statuses {
			v.Executions = append(v.Executions, Execution{Status: s})
		}
		return v
	}
	failed := func(v Version, status string) Version {
		v.Failures = append(v.Failures, Setback{Status: status})
		return v
	}
	for _, tt := range []struct {
		name    string
		version Version
		status  string
		outcome VersionOutcome
	}{
		{"nothing ran it", Version{}, "UNKNOWN", VersionUnknown},
		{"it runs", ran("FAILED", "RUNNING"), "RUNNING", VersionOpen},
		{"it is about to run", ran("STARTING"), "RUNNING", VersionOpen},
		{"it succeeded", ran("SUCCEEDED"), "SUCCEEDED", VersionSucceeded},
		{"it succeeded, and a replay of it failed later", ran("SUCCEEDED", "FAILED"), "SUCCEEDED", VersionSucceeded},
		{"it succeeded, and a failure of it is in quarantine", failed(ran("SUCCEEDED"), "QUARANTINED"), "QUARANTINED", VersionFailed},
		{"it failed and waits", failed(ran("FAILED"), "WAITING"), "WAITING", VersionOpen},
		{"it failed and healed", failed(ran("FAILED", "SUCCEEDED"), "HEALED"), "SUCCEEDED", VersionSucceeded},
		{"it failed", ran("FAILED"), "FAILED", VersionFailed},
		{"it took too long", ran("TIMED_OUT"), "TIMED_OUT", VersionFailed},
		{"it was stopped", ran("ABORTED"), "ABORTED", VersionFailed},
		{"it gave way", ran("SUPERSEDED"), "SUPERSEDED", VersionSuperseded},
		{"it was deleted", Version{Deleted: true}, "DELETED", ""},
	} {
		if status, outcome := tt.version.Status(), tt.version.Outcome(); status != tt.status || outcome != tt.outcome {
			t.Errorf("%s: got %s, %s, want %s, %s", tt.name, status, outcome, tt.status, tt.outcome)
		}
	}
}
