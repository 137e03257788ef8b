// Package lambda calls functions of the user.
package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/replay"
)

// API is the part of the Lambda client that functions use.
type API interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// AnswerWithin is how long a function may take: the function that binds a series has 30 seconds for everything.
const AnswerWithin = 20 * time.Second

// Functions are those that transform events.
type Functions struct {
	api    API
	arns   map[string]string // by name
	within time.Duration
}

// New returns the functions with ARNs by their names.
func New(api API, arns map[string]string) *Functions {
	return &Functions{api: api, arns: arns, within: AnswerWithin}
}

// Call invokes a function and returns its response. It returns transform.ErrFunction if the function failed, does not
// respond in time or cannot be invoked; and the error as it is if it may be invoked later.
func (f *Functions) Call(ctx context.Context, name string, payload []byte) ([]byte, error) {
	arn, known := f.arns[name]
	if !known {
		return nil, fmt.Errorf("%w %s: this ingestion does not have it: it has %s", transform.ErrFunction, name,
			strings.Join(slices.Sorted(maps.Keys(f.arns)), ", "))
	}
	within, cancel := context.WithTimeout(ctx, f.within)
	defer cancel()
	out, err := f.api.Invoke(within, &lambda.InvokeInput{
		FunctionName: &arn, InvocationType: types.InvocationTypeRequestResponse, Payload: payload,
	})
	switch {
	case err == nil && out.FunctionError != nil:
		return nil, fmt.Errorf("%w %s %s", transform.ErrFunction, name, failure(out.Payload))
	case err == nil:
		return out.Payload, nil
	case ctx.Err() == nil && errors.Is(within.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%w %s did not respond within %s", transform.ErrFunction, name, f.within)
	case ctx.Err() != nil || errs.Transient(err):
		return nil, fmt.Errorf("invoke function %s: %w", name, err)
	default:
		return nil, fmt.Errorf("%w %s cannot be invoked: %s", transform.ErrFunction, name, refusal(err))
	}
}

// refusal is what Lambda says, without the SDK's words around it.
func refusal(err error) string {
	if api, is := errors.AsType[smithy.APIError](err); is {
		return api.ErrorCode() + ": " + replay.Shorten(api.ErrorMessage())
	}
	return replay.Shorten(err.Error())
}

// failure says how a function failed (Lambda Developer Guide, "Using handler errors in function responses").
func failure(payload []byte) string {
	var e struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(payload, &e); err != nil || e.Type == "" && e.Message == "" {
		return "failed: " + replay.Shorten(string(payload))
	}
	if e.Type == "" {
		e.Type = "an error"
	}
	return "failed with " + replay.Shorten(e.Type) + ": " + replay.Shorten(e.Message)
}
