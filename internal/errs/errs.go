// Package errs gives errors the names by which Step Functions and the classification of failures know them, and lets a
// handler answer before Lambda ends its function.
package errs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

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
	// OutputTooLarge: the workflow's output is larger than one SNS message may be.
	OutputTooLarge = "OutputTooLarge"
	// ResourceDeleted: the resource was deleted from the event log after the event came, and before it was recorded.
	ResourceDeleted = "ResourceDeleted"
	// ServiceUnavailable: a call to an AWS service failed although it was retried. A replay may succeed.
	ServiceUnavailable = "IngestionServiceUnavailable"
	// Internal: anything else, such as a missing permission. It needs a person.
	Internal = "IngestionError"
)

// Named is an error with the name under which Lambda is to report it.
type Named struct {
	Name string
	err  error
}

// New returns a Named error.
func New(name, format string, args ...any) error {
	return &Named{Name: name, err: fmt.Errorf(format, args...)}
}

func (n *Named) Error() string { return n.Name + ": " + n.err.Error() }

func (n *Named) Unwrap() error { return n.err }

// Name returns what a handler returns for an error: Lambda reports it under its name, Step Functions as the error of
// the failed state. An error that has none is ServiceUnavailable if it is transient and Internal otherwise.
func Name(err error) error {
	var named *Named
	switch {
	case err == nil:
		return nil
	case errors.As(err, &named):
		return messages.InvokeResponse_Error{Type: named.Name, Message: named.err.Error()}
	case Transient(err):
		return messages.InvokeResponse_Error{Type: ServiceUnavailable, Message: err.Error()}
	default:
		return messages.InvokeResponse_Error{Type: Internal, Message: err.Error()}
	}
}

var (
	retryable = retry.IsErrorRetryables(retry.DefaultRetryables)
	throttle  = retry.IsErrorThrottles(retry.DefaultThrottles)
)

// unavailable are codes of transient errors that the SDK recognizes only by their HTTP status.
var unavailable = []string{
	"InternalError", "InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException",
	"ConditionalRequestConflict", "TransactionCanceledException", "TransactionConflictException", "TransactionInProgressException",
	// Of functions that cannot run yet: Lambda API Reference, "Invoke".
	"ServiceException", "ResourceNotReadyException", "ResourceConflictException", "SnapStartNotReadyException", "SnapStartTimeoutException",
	"ENILimitReachedException", "EFSMountTimeoutException",
}

// Transient reports whether the same call may succeed later: what the SDK itself would retry, a deadline, or a network
// error.
func Transient(err error) bool {
	var network net.Error
	return Throttled(err) || retryable.IsErrorRetryable(err).Bool() ||
		errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) ||
		slices.ContainsFunc(unavailable, func(code string) bool { return HasCode(err, code) })
}

// Level is the level of the log line about an error: ERROR if it needs a person. Transient errors are retried. Errors
// of an event or the workflow itself go to the quarantine.
func Level(err error) slog.Level {
	var named *Named
	if errors.As(err, &named) && named.Name != Internal || Transient(err) {
		return slog.LevelWarn
	}
	return slog.LevelError
}

// Throttled reports whether a service rejected a call because of its rate.
func Throttled(err error) bool {
	return throttle.IsErrorThrottle(err).Bool() || HasCode(err, "ExecutionLimitExceeded")
}

// HasCode reports whether an AWS service answered with this error code.
func HasCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}
