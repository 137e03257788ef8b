// Package classify decides from an execution's error whether a replay can help.
package classify

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// DefaultRetryOn returns the globs of error names that are retriable unless the user says otherwise: the service,
// throttling and timeout errors after which the same event may well succeed. The names of Lambda and Step Functions
// errors are those of "Handling errors in Step Functions workflows" in the AWS Step Functions Developer Guide.
func DefaultRetryOn() []string {
	return []string{
		"Lambda.ServiceException",
		"Lambda.AWSLambdaException",
		"Lambda.SdkClientException",
		"Lambda.TooManyRequestsException",
		"Lambda.ClientExecutionTimeoutException",
		"Lambda.Unknown",   // a function that timed out or ran out of memory, as older integrations report it
		"Sandbox.Timedout", // a function that ran into its own timeout
		"States.Timeout",
		"States.HeartbeatTimeout",
		"*Throttl*",
		"*TooManyRequests*",
		"*RequestLimitExceeded*",
		"*ServiceUnavailable*",
		"*InternalServerError*",
		"*InternalServiceError*",
		"*InternalFailure*",
		"*.SdkClientException",
		"*ThroughputExceeded*",
	}
}

// Policy holds the globs of retriable error names: "*" stands for any text, "?" for one character and "[a-z]" for a
// range, as in path.Match.
type Policy struct {
	RetryOn      []string
	DoNotRetryOn []string // wins over RetryOn
}

// Retriable reports whether an error name matches RetryOn and not DoNotRetryOn. An unknown name is not retriable:
// repeating a bad event only repeats the failure.
func (p Policy) Retriable(name string) bool {
	return matches(p.RetryOn, name) && !matches(p.DoNotRetryOn, name)
}

func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return Match(g, name) })
}

// Match reports whether a glob matches the name of an error. A malformed one matches none, see CheckGlob.
func Match(glob, name string) bool {
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

// Unwrap returns the error that explains a failure. A child workflow's failure arrives as States.TaskFailed with
// the child's description in the cause (its own Error and Cause); the classification must look at the child's.
func Unwrap(name, cause string) (string, string) {
	// Nested children nest their descriptions; the depth is bounded by the size of a cause.
	for name == "States.TaskFailed" {
		var child struct {
			Error  string
			Cause  string
			Status string
		}
		if err := json.Unmarshal([]byte(cause), &child); err != nil {
			break
		}
		if child.Error == "" && child.Status == "TIMED_OUT" {
			child.Error = "States.Timeout"
		}
		if child.Error == "" {
			break
		}
		name, cause = child.Error, child.Cause
	}
	return name, cause
}
