package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// serveJSON answers in the protocol of DynamoDB, Step Functions and SQS.
func (c *Cloud) serveJSON(w http.ResponseWriter, r *http.Request, service, op string) {
	var body any
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := c.answer(r.Context(), service, op, body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	status := http.StatusOK
	if err != nil {
		out, status = fault(err)
	}
	text, err := json.Marshal(encode(reflect.ValueOf(out), service == "states"))
	if err != nil {
		panic(err) // maps, texts and numbers always marshal
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller has gone if this fails
}

func (c *Cloud) answer(ctx context.Context, service, op string, body any) (any, error) {
	switch service + "." + op {
	case "dynamodb.GetItem":
		return on(ctx, body, func(ctx context.Context, in *dynamodb.GetItemInput) (any, error) {
			return c.opts.Table.GetItem(ctx, in)
		})
	case "dynamodb.PutItem":
		return on(ctx, body, func(ctx context.Context, in *dynamodb.PutItemInput) (any, error) {
			return c.opts.Table.PutItem(ctx, in)
		})
	case "dynamodb.UpdateItem":
		return on(ctx, body, func(ctx context.Context, in *dynamodb.UpdateItemInput) (any, error) {
			return c.opts.Table.UpdateItem(ctx, in)
		})
	case "dynamodb.DeleteItem":
		return on(ctx, body, func(ctx context.Context, in *dynamodb.DeleteItemInput) (any, error) {
			return c.opts.Table.DeleteItem(ctx, in)
		})
	case "dynamodb.Query":
		return on(ctx, body, func(ctx context.Context, in *dynamodb.QueryInput) (any, error) {
			return c.opts.Table.Query(ctx, in)
		})
	case "dynamodb.BatchGetItem":
		return on(ctx, body, func(ctx context.Context, in *dynamodb.BatchGetItemInput) (any, error) {
			return c.opts.Table.BatchGetItem(ctx, in)
		})
	case "dynamodb.TransactWriteItems":
		return on(ctx, body, func(ctx context.Context, in *dynamodb.TransactWriteItemsInput) (any, error) {
			return c.opts.Table.TransactWriteItems(ctx, in)
		})
	case "states.StartExecution":
		return on(ctx, body, func(_ context.Context, in *sfn.StartExecutionInput) (any, error) { return c.States.start(in) })
	case "states.DescribeExecution":
		return on(ctx, body, func(_ context.Context, in *sfn.DescribeExecutionInput) (any, error) {
			return c.States.describe(in)
		})
	case "states.ListExecutions":
		return on(ctx, body, func(context.Context, *sfn.ListExecutionsInput) (any, error) { return noExecutions, nil })
	case "states.GetExecutionHistory":
		return on(ctx, body, func(context.Context, *sfn.GetExecutionHistoryInput) (any, error) { return noHistory, nil })
	case "sqs.SendMessageBatch":
		return on(ctx, body, func(_ context.Context, in *sqs.SendMessageBatchInput) (any, error) {
			return c.queue(in.QueueUrl).send(in), nil
		})
	case "sqs.ReceiveMessage":
		return on(ctx, body, func(_ context.Context, in *sqs.ReceiveMessageInput) (any, error) {
			return c.queue(in.QueueUrl).receive(in), nil
		})
	case "sqs.DeleteMessage":
		return on(ctx, body, func(_ context.Context, in *sqs.DeleteMessageInput) (any, error) {
			return &sqs.DeleteMessageOutput{}, nil
		})
	default:
		return nil, &smithy.GenericAPIError{Code: "UnknownOperationException", Message: service + "." + op}
	}
}

func on[In any](ctx context.Context, body any, do func(context.Context, *In) (any, error)) (any, error) {
	in := new(In)
	if err := decode(body, reflect.ValueOf(in).Elem()); err != nil {
		return nil, &smithy.GenericAPIError{Code: "SerializationException", Message: err.Error()}
	}
	return do(ctx, in)
}

// fault is an error's answer: its own fields, and its name.
func fault(err error) (any, int) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		api = &smithy.GenericAPIError{Code: "InternalFailure", Message: err.Error()}
	}
	fields := map[string]any{}
	if all, ok := encode(reflect.ValueOf(api), false).(map[string]any); ok {
		fields = all
	}
	fields["__type"], fields["message"] = api.ErrorCode(), api.ErrorMessage()
	if api.ErrorCode() == "InternalFailure" {
		return fields, http.StatusInternalServerError
	}
	return fields, http.StatusBadRequest
}

func refused(format string, args ...any) error { return fmt.Errorf(format, args...) }
