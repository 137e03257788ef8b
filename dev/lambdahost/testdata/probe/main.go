// Command probe is a Lambda function that does what its event says.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// InvalidEvent gives its name to the function's errorType.
type InvalidEvent struct{ text string }

func (e InvalidEvent) Error() string { return e.text }

type request struct {
	Do    string          `json:"do"`
	Sleep int             `json:"sleepMs"`
	Env   string          `json:"env"`
	Echo  json.RawMessage `json:"echo"`
}

var served atomic.Int64

func handle(ctx context.Context, r request) (any, error) {
	fmt.Fprintln(os.Stdout, "probe got", r.Do)
	served.Add(1)
	time.Sleep(time.Duration(r.Sleep) * time.Millisecond)
	switch r.Do {
	case "fail":
		return nil, InvalidEvent{"the event has no id"}
	case "panic":
		panic("on purpose")
	case "exit":
		code, _ := strconv.Atoi(r.Env)
		os.Exit(code)
	case "echo":
		return r.Echo, nil
	}
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"pid": os.Getpid(), "served": served.Load(), "requestId": lc.AwsRequestID, "arn": lc.InvokedFunctionArn,
		"left": time.Until(deadline).Milliseconds(), "env": os.Getenv(r.Env), "trace": os.Getenv("_X_AMZN_TRACE_ID"),
	}, nil
}

func main() {
	if os.Getenv("PROBE_INIT") == "fail" {
		os.Exit(7)
	}
	lambda.Start(handle)
}
