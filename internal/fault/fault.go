// Package fault gives errors the names by which Step Functions and the classification of failures know them.
package fault

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// Error names that the functions of a workflow return.
const (
	// InvalidEvent: the event has no usable resource id, or forges a replay. Replaying it does not help.
	InvalidEvent = "InvalidEvent"
	// EventTooLarge: the event is over the limit of bytes. Replaying it does not help.
	EventTooLarge = "EventTooLarge"
	// OutputTooLarge: the workflow's output is over what SNS takes in one message.
	OutputTooLarge = "OutputTooLarge"
	// ServiceUnavailable: a call to an AWS service failed although it was retried. A replay may succeed.
	ServiceUnavailable = "IngestionServiceUnavailable"
	// Internal: anything else, such as a missing permission. It needs a person.
	Internal = "IngestionError"
)

// New returns an error that Lambda reports under the given name.
func New(name, format string, args ...any) error {
	return messages.InvokeResponse_Error{Type: name, Message: fmt.Errorf(format, args...).Error()}
}

// Name gives an error the name under which Lambda reports it. Errors that have one keep it.
func Name(err error) error {
	var named messages.InvokeResponse_Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &named):
		return named
	case Transient(err):
		return New(ServiceUnavailable, "%w", err)
	default:
		return New(Internal, "%w", err)
	}
}

var (
	retryable = retry.IsErrorRetryables(retry.DefaultRetryables)
	throttle  = retry.IsErrorThrottles(retry.DefaultThrottles)
)

// Transient reports whether the same call may succeed later: what the SDK itself would retry, a deadline, or a
// network fault.
func Transient(err error) bool {
	var network net.Error
	return Throttled(err) || retryable.IsErrorRetryable(err).Bool() ||
		errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) || HasCode(err, "TransactionCanceledException")
}

// Throttled reports whether a service refused a call because of its rate.
func Throttled(err error) bool {
	return throttle.IsErrorThrottle(err).Bool() || HasCode(err, "ExecutionLimitExceeded")
}

// HasCode reports whether an AWS service answered with this error code.
func HasCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}
