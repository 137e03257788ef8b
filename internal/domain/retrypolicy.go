package domain

// A retry policy decides from an execution's error whether a replay can help.

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// MaxAttempts is the most automatic replays of one event that the construct allows.
const MaxAttempts = 100

// DefaultRetryOn returns the globs of error names that are retriable unless the user says otherwise: the service,
// throttling and timeout errors after which the same event may succeed. The names of Lambda and Step Functions errors
// are those of "Handling errors in Step Functions workflows" in the AWS Step Functions Developer Guide.
func DefaultRetryOn() []string {
	return append(LambdaErrors(),
		"States.Timeout",
		"States.HeartbeatTimeout",
		"*Throttl*",
		"*TooManyRequests*",
		"*RequestLimitExceeded*",
		"*ExecutionLimitExceeded*", // of an execution that a workflow starts
		"StepFunctions.AWSStepFunctionsException",
		"Sfn.SfnException",
		"*ServiceUnavailable*",
		"*InternalServerError*",
		"*InternalServiceError*",
		"*InternalFailure*",
		"*.SdkClientException",
		"*ThroughputExceeded*",
	)
}

// RetryPolicy holds the globs of retriable error names: "*" stands for any string, "?" for one character and "[a-z]"
// for a range, as in path.Match.
type RetryPolicy struct {
	RetryOn      []string
	DoNotRetryOn []string // wins over RetryOn
}

// Retriable reports whether an error name matches RetryOn and not DoNotRetryOn. An unknown name is not retriable:
// repeating a bad event only repeats the failure.
func (p RetryPolicy) Retriable(name string) bool {
	return matches(p.RetryOn, name) && !matches(p.DoNotRetryOn, name)
}

func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return MatchError(g, name) })
}

// MatchError reports whether a glob matches the name of an error. A malformed glob matches nothing, see CheckGlob.
func MatchError(glob, name string) bool {
	ok, err := path.Match(oneSegment.Replace(glob), oneSegment.Replace(name))
	return err == nil && ok
}

// oneSegment keeps path.Match from treating a slash in an error name as the end of a path segment.
var oneSegment = strings.NewReplacer("/", "\x00")

// CheckGlob reports whether a glob is malformed.
func CheckGlob(glob string) error {
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("malformed glob %q: %w", glob, err)
	}
	return nil
}

// UnwrapError returns the error that explains a failure. A child workflow's failure arrives as States.TaskFailed, with
// the child's description in the cause. The Error and Cause in that description decide. A description that was cut off
// keeps its Error, which comes before the child's input, unless the child's own cause is too long.
func UnwrapError(name, cause string) (string, string) {
	// Nested children nest their descriptions; the depth is bounded by the size of a cause.
	for name == "States.TaskFailed" {
		child := describe(cause)
		if child.Error == "" && child.Status == "TIMED_OUT" {
			child.Error = "States.Timeout"
		}
		if child.Error == "" && describe(child.Cause).Error != "" {
			child.Error = "States.TaskFailed" // cut off in the cause, which is a grandchild's description
		}
		if child.Error == "" {
			break
		}
		name, cause = child.Error, child.Cause
	}
	return name, cause
}

// child is the description of a child workflow in a cause.
type child struct {
	Error, Cause, Status string
}

// describe reads a child's description up to where it was cut off: Step Functions cuts a cause at 32,768 characters,
// and the child's input, which may be long, is a part of it. Of a string that was cut off, it keeps what is left.
func describe(cause string) child {
	var c child
	if json.Unmarshal([]byte(cause), &c) == nil {
		return c
	}
	fields := map[string]*string{"Error": &c.Error, "Cause": &c.Cause, "Status": &c.Status}
	dec := json.NewDecoder(strings.NewReader(cause))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return child{}
	}
	for {
		key, err := dec.Token()
		if err != nil {
			return c
		}
		name, _ := key.(string)
		begin := dec.InputOffset()
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			if name == "Cause" {
				c.Cause = cut(cause[begin:])
			}
			return c
		}
		if field := fields[name]; field != nil && json.Unmarshal(value, field) != nil {
			return child{} // no description
		}
	}
}

// cut reads the beginning of a JSON string that lost its end. Without its last few bytes it is valid, because an escape
// is at most 12 bytes long.
func cut(value string) string {
	value = strings.TrimLeft(value, ": \n\r\t")
	for range 12 {
		var text string
		if json.Unmarshal([]byte(value+`"`), &text) == nil {
			return text
		}
		if value == "" {
			return ""
		}
		value = value[:len(value)-1]
	}
	return ""
}
