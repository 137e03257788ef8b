package local

import (
	"strings"
	"testing"
)

func at(path string) deployedResource {
	var r deployedResource
	r.Metadata.Path = path
	return r
}

func TestFunctionsHaveTheirShortestUniqueNames(t *testing.T) {
	tests := []struct{ path, want string }{
		{"listings-dev/Listings/TrackerFunction/Resource", "Tracker"},
		{"listings-dev/EnrichFunction/Resource", "Enrich"},
		{"a/A/B/Handler/Resource", "A-B-Handler"},
		{"a/C/Handler/Resource", "C-Handler"},
		{"a/Orders/RecordFunction/Resource", "a-Orders-Record"},
		{"b/Orders/RecordFunction/Resource", "b-Orders-Record"},
	}
	var functions []deployedResource
	for _, tt := range tests {
		functions = append(functions, at(tt.path))
	}
	for i, got := range shortestNames(functions) {
		if got != tests[i].want {
			t.Errorf("%s: got %s, want %s", tests[i].path, got, tests[i].want)
		}
	}
}

func TestRedriveTargetThatCannotBeResolvedIsAnError(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"another function", `{"Fn::ImportValue":"x"}`, "cannot resolve"},
		{"another attribute", `{"Fn::GetAtt":["Q","QueueName"]}`, "cannot resolve"},
		{"another resource", `{"Fn::GetAtt":["Q","Arn"]}`, "no queue Q"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := queueARN(t.Context(), nil, &deployed{}, "s", []byte(tt.value))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	arn, err := queueARN(t.Context(), nil, &deployed{}, "s", []byte(`"arn:aws:sqs:x"`))
	if arn != "arn:aws:sqs:x" || err != nil {
		t.Errorf("got %q, %v, want the ARN as it is", arn, err)
	}
}
