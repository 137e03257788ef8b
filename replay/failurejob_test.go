package replay

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAJobSelectsWhatItsRequestSays(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	hourAgo := now.Add(-time.Hour)
	for _, tt := range []struct {
		name, body string
		action     FailureAction
		want       FailureJobRequest
	}{
		{"the whole quarantine", `{"select":{"status":"QUARANTINED"},"reason":" x "}`, CloseFailures,
			FailureJobRequest{Select: FailureQuery{Status: FailureQuarantined}, Reason: "x"}},
		{"all filters", `{"select":{"status":"HELD","error":"Geo*","state":"Enrich","cause":"zip","resourceId":"a/b","ownerId":"o","since":"-PT1H","until":null},"dryRun":true,"reason":"x"}`,
			CloseFailures, FailureJobRequest{Select: FailureQuery{Status: FailureHeld, Error: "Geo*", State: "Enrich", Cause: "zip",
				ResourceID: "a/b", OwnerID: "o", Since: &hourAgo}, DryRun: true, Reason: "x"}},
		{"what is superseded", `{"select":{"superseded":true},"reason":"x"}`, CloseFailures,
			FailureJobRequest{Select: FailureQuery{Status: FailureQuarantined, Superseded: true}, Reason: "x"}},
		{"what a job has closed", `{"select":{"jobId":"j"},"reason":"x"}`, ReopenFailures,
			FailureJobRequest{Select: FailureQuery{Status: FailureClosed, JobID: "j"}, Reason: "x"}},
	} {
		if got, err := DecodeFailureJob(tt.action, []byte(tt.body), now); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestFaultsOfAJobAreNamed(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		action     FailureAction
		want       string
	}{
		{"nothing", `{}`, CloseFailures, "select reason"},
		{"an empty selection", `{"select":{},"reason":"x"}`, CloseFailures, "select"},
		{"a selection of nulls", `{"select":{"error":null},"reason":"x"}`, CloseFailures, "select"},
		{"an unknown field", `{"select":{"errors":"x"},"reason":"x","dry":1}`, CloseFailures, "dry select.errors select"},
		{"what is being replayed", `{"select":{"status":"RETRYING"},"reason":"x"}`, CloseFailures, "select.status"},
		{"closing what is closed", `{"select":{"status":"CLOSED"},"reason":"x"}`, CloseFailures, "select.status"},
		{"reopening what is open", `{"select":{"status":"QUARANTINED"},"reason":"x"}`, ReopenFailures, "select.status"},
		{"closing by a job", `{"select":{"jobId":"j"},"reason":"x"}`, CloseFailures, "select.jobId"},
		{"no job", `{"select":{"jobId":""},"reason":"x"}`, ReopenFailures, "select.jobId"},
		{"what is not superseded", `{"select":{"superseded":false},"reason":"x"}`, CloseFailures, "select.superseded"},
		{"superseded and held", `{"select":{"superseded":true,"status":"HELD"},"reason":"x"}`, CloseFailures, "select.superseded"},
		{"superseded and closed", `{"select":{"superseded":true},"reason":"x"}`, ReopenFailures, "select.superseded"},
		{"texts that are too long", `{"select":{"error":"[","state":"` + strings.Repeat("a", 257) + `","cause":"","ownerId":"","resourceId":""},"reason":"x"}`,
			CloseFailures, "select.error select.state select.cause select.resourceId select.ownerId"},
		{"no time", `{"select":{"since":"-PT1H","until":"-PT1H"},"reason":"x"}`, CloseFailures, "select.until"},
		{"a field given twice", `{"select":{"error":"a","error":"b"},"reason":"x"}`, CloseFailures, "select.error"},
		{"what is not an object", `[]`, CloseFailures, "body"},
	} {
		_, err := DecodeFailureJob(tt.action, []byte(tt.body), time.Now())
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
			t.Errorf("%s: got faults of %q, want of %q: %v", tt.name, got, tt.want, err)
		}
	}
}
