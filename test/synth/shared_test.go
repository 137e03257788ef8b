package synth_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// stacks are the stages of the example and the variants of the construct.
func stacks() map[string]func(*testing.T) awscdk.Stack {
	all := variants()
	for _, stage := range []string{"dev", "staging", "prod"} {
		all[stage] = func(t *testing.T) awscdk.Stack { return newListings(t, stage).Stack }
	}
	return all
}

// shared are the templates of stacks, as JSON. Many tests look at them, and each takes a second to synthesize.
var shared = map[string][]byte{}

func sharedTemplate(t *testing.T, name string) []byte {
	t.Helper()
	if shared[name] == nil {
		b, err := json.Marshal(rawTemplate(stacks()[name](t)))
		if err != nil {
			t.Fatal(err)
		}
		shared[name] = b
	}
	return shared[name]
}

// templateOf is the template of a stage or a variant, for a test to change.
func templateOf(t *testing.T, name string) template {
	t.Helper()
	return decode[template](t, json.RawMessage(sharedTemplate(t, name)))
}

func minimal(t *testing.T) template {
	t.Helper()
	return templateOf(t, "minimal")
}
