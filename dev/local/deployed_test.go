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

func TestNamesOfFunctions(t *testing.T) {
	tests := []struct{ path, short, long string }{
		{"listings-dev/Listings/RecordFunction/Resource", "Record", "Listings-Record"},
		{"listings-dev/EnrichFunction/Resource", "Enrich", "Enrich"},
		{"stack/A/B/Handler/Resource", "Handler", "A-B-Handler"},
	}
	for _, tt := range tests {
		if r := at(tt.path); r.shortName() != tt.short || r.longName() != tt.long {
			t.Errorf("%s: got %s, %s, want %s, %s", tt.path, r.shortName(), r.longName(), tt.short, tt.long)
		}
	}
}

func TestLocalAPI(t *testing.T) {
	tests := []struct{ name, deployed, want string }{
		{"a stage", "https://a1.execute-api.us-east-1.amazonaws.com/v1/", "http://e/_aws/execute-api/a1/v1"},
		{"no API", "", ""},
	}
	for _, tt := range tests {
		if got := localAPI("http://e", tt.deployed); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
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
