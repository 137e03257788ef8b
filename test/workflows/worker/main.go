// Command worker is the function behind the tasks of the test workflows: it doubles a number, or fails as it is asked.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// request is what a task asks for.
type request struct {
	Value   int64
	Fail    string // the name of the error to fail with
	Attempt int    // how often the task was tried before
	WorksAt int    // the attempt that works, counted from 0
	Token   string // of a task that waits for an answer by API
}

type answer struct {
	Value  int64 `json:"value"`
	Double int64 `json:"double"`
}

func main() { lambda.Start(handle) }

func handle(ctx context.Context, r request) (answer, error) {
	if r.Attempt < r.WorksAt {
		return answer{}, messages.InvokeResponse_Error{Type: "NotYet", Message: fmt.Sprintf("attempt %d", r.Attempt)}
	}
	a := answer{Value: r.Value, Double: 2 * r.Value}
	if r.Token != "" {
		return a, hand(ctx, r, a)
	}
	return a, failure(r.Fail)
}

func failure(name string) error {
	if name == "" {
		return nil
	}
	return messages.InvokeResponse_Error{Type: name, Message: "as asked"}
}

// hand gives the token back, with the answer or with an error.
func hand(ctx context.Context, r request, a answer) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := sfn.NewFromConfig(cfg)
	if r.Fail != "" {
		_, err = client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &r.Token, Error: &r.Fail})
		return err
	}
	output, err := json.Marshal(a)
	if err != nil {
		return err
	}
	text := string(output)
	_, err = client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &r.Token, Output: &text})
	return err
}
