package lambda

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
)

type invoke func(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error)

func (f invoke) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return f(ctx, in)
}

const arn = "arn:aws:lambda:us-east-1:123456789012:function:fix:live"

func TestAFunctionIsInvokedByItsARN(t *testing.T) {
	f := New(invoke(func(_ context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		if *in.FunctionName != arn || in.InvocationType != types.InvocationTypeRequestResponse || string(in.Payload) != `{"n":1.50}` {
			t.Errorf("got %+v, want %s with the payload", in, arn)
		}
		return &lambda.InvokeOutput{Payload: []byte(`{"n":12345678901234567890}`)}, nil
	}), map[string]string{"fix": arn})
	if got, err := f.Call(t.Context(), "fix", []byte(`{"n":1.50}`)); err != nil || string(got) != `{"n":12345678901234567890}` {
		t.Errorf("got %s, %v, want the response as it is", got, err)
	}
	if _, err := f.Call(t.Context(), "fox", nil); !errors.Is(err, transform.ErrFunction) || !strings.Contains(err.Error(), "it has fix") {
		t.Errorf("got %v, want that fox is not known, and what is", err)
	}
}

func TestAFunctionThatFails(t *testing.T) {
	failed := func(payload string) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{FunctionError: aws.String("Unhandled"), Payload: []byte(payload)}, nil
	}
	refused := func(err error) (*lambda.InvokeOutput, error) { return nil, err }
	for _, tt := range []struct {
		name   string
		answer func() (*lambda.InvokeOutput, error)
		want   string
		passes bool
	}{
		{"an exception", func() (*lambda.InvokeOutput, error) {
			return failed(`{"errorMessage":"no price","errorType":"ValueError","stackTrace":["x"]}`)
		}, "function fix failed with ValueError: no price", false},
		{"its own timeout", func() (*lambda.InvokeOutput, error) {
			return failed(`{"errorMessage":"2026-01-01T00:00:00Z 1234 Task timed out after 3.00 seconds"}`)
		}, "failed with an error: 2026-01-01T00:00:00Z 1234 Task timed out after 3.00 seconds", false},
		{"a failure that is not JSON", func() (*lambda.InvokeOutput, error) { return failed(`exit status 2`) }, "failed: exit status 2", false},
		{"a long message", func() (*lambda.InvokeOutput, error) {
			return failed(`{"errorMessage":"` + strings.Repeat("ä", 5000) + `","errorType":"` + strings.Repeat("E", 5000) + `"}`)
		}, "…", false},
		{"a missing permission", func() (*lambda.InvokeOutput, error) {
			return refused(&types.KMSAccessDeniedException{Message: aws.String("denied")})
		}, "cannot be invoked: KMSAccessDeniedException: denied", false},
		{"no such function", func() (*lambda.InvokeOutput, error) { return refused(&types.ResourceNotFoundException{}) },
			"cannot be invoked: ResourceNotFoundException", false},
		{"a throttle", func() (*lambda.InvokeOutput, error) { return refused(&types.TooManyRequestsException{}) }, "invoke function fix", true},
		{"an update", func() (*lambda.InvokeOutput, error) { return refused(&types.ResourceConflictException{}) }, "invoke function fix", true},
		{"a snapshot", func() (*lambda.InvokeOutput, error) { return refused(&types.SnapStartNotReadyException{}) }, "invoke function fix", true},
		{"a network interface", func() (*lambda.InvokeOutput, error) { return refused(&types.ENILimitReachedException{}) }, "invoke function fix", true},
		{"a fault of Lambda", func() (*lambda.InvokeOutput, error) { return refused(&types.ServiceException{}) }, "invoke function fix", true},
	} {
		f := New(invoke(func(context.Context, *lambda.InvokeInput) (*lambda.InvokeOutput, error) { return tt.answer() }),
			map[string]string{"fix": arn})
		_, err := f.Call(t.Context(), "fix", nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 400 {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if errors.Is(err, transform.ErrFunction) == tt.passes || errs.Transient(err) != tt.passes {
			t.Errorf("%s: got %v, want an error that passes: %t", tt.name, err, tt.passes)
		}
	}
}

func TestAFunctionIsNotWaitedForForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(invoke(func(ctx context.Context, _ *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}), map[string]string{"fix": arn})
		begun := time.Now()
		_, err := f.Call(t.Context(), "fix", nil)
		if !errors.Is(err, transform.ErrFunction) || time.Since(begun) != AnswerWithin {
			t.Errorf("got %v after %s, want that it took more than %s", err, time.Since(begun), AnswerWithin)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.Call(ctx, "fix", nil); errors.Is(err, transform.ErrFunction) || !errs.Transient(err) {
			t.Errorf("got %v when the caller's time is over, want an error that passes", err)
		}
	})
}
