package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"

	"github.com/aws/smithy-go"
)

// serveJSON answers in the protocol of DynamoDB, Step Functions and SQS.
func (c *Cloud) serveJSON(w http.ResponseWriter, r *http.Request, service, op string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := c.answer(r.Context(), service, op, body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	answer, status := encode(reflect.ValueOf(out), service == "states"), http.StatusOK
	if err != nil {
		answer, status = fault(err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err) // maps, strings and numbers always marshal
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // this fails only if the caller has disconnected
}

// answer calls the operation of a service. The interface's value has only the operations that the functions use.
func (c *Cloud) answer(ctx context.Context, service, op string, body json.RawMessage) (any, error) {
	at, ok := map[string]reflect.Value{
		"dynamodb": reflect.ValueOf(&c.opts.Table), "states": reflect.ValueOf(&c.states), "sqs": reflect.ValueOf(&c.queues),
	}[service]
	if ok {
		at = at.Elem().MethodByName(op)
	}
	if !at.IsValid() {
		return nil, &smithy.GenericAPIError{Code: "UnknownOperationException", Message: service + "." + op}
	}
	in := reflect.New(at.Type().In(1).Elem())
	if err := decode(body, in.Elem()); err != nil {
		return nil, &smithy.GenericAPIError{Code: "SerializationException", Message: err.Error()}
	}
	out := at.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// fault is the answer for an error: its fields and its name.
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
