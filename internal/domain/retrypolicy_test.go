package domain

import (
	"strings"
	"testing"
)

func TestRetriable(t *testing.T) {
	p := RetryPolicy{RetryOn: append(DefaultRetryOn(), "Geocoder.*"), DoNotRetryOn: []string{"Geocoder.Quota*"}}
	for name, want := range map[string]bool{
		"Lambda.ServiceException": true, "Lambda.TooManyRequestsException": true, "States.Timeout": true,
		"States.HeartbeatTimeout": true, "Sandbox.Timedout": true, "DynamoDB.ProvisionedThroughputExceededException": true,
		"ThrottlingException": true, "Sns.ThrottledException": true, "GeocoderServiceUnavailable": true,
		"IngestionServiceUnavailable": true, "S3.SdkClientException": true, "com/example.InternalServerError": true,
		"StepFunctions.ExecutionLimitExceeded": true, "StepFunctions.AWSStepFunctionsException": true, "Sfn.SfnException": true,
		"Geocoder.Down": true, "Geocoder.QuotaUsedUp": false,
		"InvalidEvent": false, "EventTooLarge": false, "States.TaskFailed": false, "States.Runtime": false,
		"States.Permissions": false, "NoSuchThing": false, "": false,
	} {
		if got := p.Retriable(name); got != want {
			t.Errorf("Retriable(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestUnwrap(t *testing.T) {
	tests := []struct{ name, err, cause, wantErr, wantCause string }{
		{name: "keeps any other error", err: "Boom", cause: `{"Error":"x"}`, wantErr: "Boom", wantCause: `{"Error":"x"}`},
		{name: "takes a failed child's error", err: "States.TaskFailed", cause: `{"Error":"Boom","Cause":"why","Status":"FAILED"}`, wantErr: "Boom", wantCause: "why"},
		{name: "goes down to a grandchild", err: "States.TaskFailed", cause: `{"Error":"States.TaskFailed","Cause":"{\"Error\":\"Boom\",\"Cause\":\"why\"}"}`, wantErr: "Boom", wantCause: "why"},
		{name: "keeps a cause that is no description", err: "States.TaskFailed", cause: `it broke`, wantErr: "States.TaskFailed", wantCause: "it broke"},
		{name: "reads a child that timed out", err: "States.TaskFailed", cause: `{"Status":"TIMED_OUT"}`, wantErr: "States.Timeout", wantCause: ""},
		{name: "keeps a child that was aborted", err: "States.TaskFailed", cause: `{"Status":"ABORTED"}`, wantErr: "States.TaskFailed", wantCause: `{"Status":"ABORTED"}`},
		{name: "reads a description that was cut off in the child's input", err: "States.TaskFailed",
			cause:   `{"Cause":"why","Error":"Boom","ExecutionArn":"arn","Input":"{\"order\":\"` + strings.Repeat("x", 32_000),
			wantErr: "Boom", wantCause: "why"},
		{name: "reads a grandchild's description that was cut off", err: "States.TaskFailed",
			cause: `{"Cause":"{\"Cause\":\"why\",\"Error\":\"Boom\",\"Input\":\"xx\u00e4\u0`, wantErr: "Boom", wantCause: "why"},
		{name: "reads one that was cut off between two fields", err: "States.TaskFailed", cause: `{"Error":"Boom","Cause":"why",`, wantErr: "Boom", wantCause: "why"},
		{name: "keeps a long cause without its error", err: "States.TaskFailed", cause: `{"Cause":"why and wh`, wantErr: "States.TaskFailed", wantCause: `{"Cause":"why and wh`},
		{name: "keeps a cause that is no object", err: "States.TaskFailed", cause: `[1`, wantErr: "States.TaskFailed", wantCause: `[1`},
		{name: "keeps a description of another shape", err: "States.TaskFailed", cause: `{"Error":{"a":1},"b":`, wantErr: "States.TaskFailed", wantCause: `{"Error":{"a":1},"b":`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e, c := UnwrapError(tt.err, tt.cause); e != tt.wantErr || c != tt.wantCause {
				t.Errorf("got %q, %q, want %q, %q", e, c, tt.wantErr, tt.wantCause)
			}
		})
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(`{"Cause":"{\"Cause\":\"a\\u00e4\",\"Error\":\"E\"}","Error":"States.TaskFailed","Input":"x"}`, 30)
	f.Add(`[{`, 1)
	f.Fuzz(func(t *testing.T, cause string, n int) {
		if n > 0 && n < len(cause) {
			cause = cause[:n]
		}
		if name, rest := UnwrapError("States.TaskFailed", cause); name == "" || len(rest) > len(cause) {
			t.Errorf("got %q, %q of %q", name, rest, cause)
		}
	})
}
