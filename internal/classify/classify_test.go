package classify

import "testing"

func TestRetriable(t *testing.T) {
	p := Policy{RetryOn: append(DefaultRetryOn(), "Geocoder.*"), DoNotRetryOn: []string{"Geocoder.Quota*"}}
	for name, want := range map[string]bool{
		"Lambda.ServiceException": true, "Lambda.TooManyRequestsException": true, "States.Timeout": true,
		"States.HeartbeatTimeout": true, "Sandbox.Timedout": true, "DynamoDB.ProvisionedThroughputExceededException": true,
		"ThrottlingException": true, "Sns.ThrottledException": true, "GeocoderServiceUnavailable": true,
		"IngestionServiceUnavailable": true, "S3.SdkClientException": true, "com/example.InternalServerError": true,
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
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e, c := Unwrap(tt.err, tt.cause); e != tt.wantErr || c != tt.wantCause {
				t.Errorf("got %q, %q, want %q, %q", e, c, tt.wantErr, tt.wantCause)
			}
		})
	}
}
