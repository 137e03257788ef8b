// Command hello is the smallest function that aws-lambda-go makes: what a cold start in Go takes at least.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) (string, error) { return "hello", nil })
}
