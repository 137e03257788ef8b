package protocol

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// WrappedBodies returns the messages that a body of another form carries: the event of a queue, as Lambda gets it, and
// the record that Lambda makes of an invocation that failed (AWS Lambda Developer Guide, "Capturing records of Lambda
// asynchronous invocations"). It is empty for any other.
func WrappedBodies(body string) []string {
	var outer struct {
		Payload json.RawMessage `json:"requestPayload"`
	}
	if json.Unmarshal([]byte(body), &outer) == nil && len(outer.Payload) > 0 {
		body = string(outer.Payload)
	}
	var event struct {
		Records []struct {
			Body string `json:"body"`
		}
	}
	if json.Unmarshal([]byte(body), &event) != nil {
		return nil
	}
	var bodies []string
	for _, r := range event.Records {
		if r.Body == "" {
			return nil // of another source
		}
		bodies = append(bodies, r.Body)
	}
	return bodies
}

// maxExecutions is how many executions a message is searched for. None of the services names more than one.
const maxExecutions = 10

// ExecutionNames returns the names of executions whose ARNs begin with a prefix, wherever they are in a string.
func ExecutionNames(text, prefix string) (names []string) {
	// All that a name may have ("StartExecution", Step Functions API Reference).
	arn := regexp.MustCompile(regexp.QuoteMeta(prefix) + "([^\\s\\x00-\\x1f\\x7f<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/]{1,80})")
	for _, found := range arn.FindAllStringSubmatch(text, maxExecutions) {
		for _, name := range []string{found[1], strings.TrimRight(found[1], `.!')`)} { // at the end of a sentence
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
