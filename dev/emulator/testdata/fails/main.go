// Command fails is a Lambda function that returns its event with a null list of failed messages, or an error named
// after its type. The event decides whether it fails, and until which retry. Instead, the event may ask for a string of
// some size.
package main

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
)

// InvalidEvent gives its name to the function's errorType.
type InvalidEvent struct{}

func (InvalidEvent) Error() string { return "no id: " + strings.Repeat("x", 1000) }

func main() {
	lambda.Start(func(event map[string]any) (json.RawMessage, error) {
		until, _ := event["until"].(float64)
		retry, _ := event["retryCount"].(float64)
		if event["fail"] == true || retry < until {
			return nil, InvalidEvent{}
		}
		if size, ok := event["size"].(float64); ok {
			return json.Marshal(strings.Repeat("x", int(size)))
		}
		event["batchItemFailures"] = nil
		return json.Marshal(event)
	})
}
