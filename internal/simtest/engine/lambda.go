package engine

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const fixARN = "arn:aws:lambda:us-east-1:000000000000:function:fix:live"

// Function is one of the user: it gets a payload and returns another, or the name of an error, or cannot be invoked.
type Function func(ctx context.Context, payload []byte) (response []byte, failed string, err error)

// userFunctions is Lambda for the function of an engine.
type userFunctions struct{ e *Engine }

// Invoke is Lambda's.
func (u userFunctions) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return call(ctx, u.e.faults, "Invoke", func() (*lambda.InvokeOutput, error) {
		if *in.FunctionName != fixARN || in.InvocationType != types.InvocationTypeRequestResponse || u.e.OnInvoke == nil {
			return nil, &types.ResourceNotFoundException{Message: aws.String("Function not found: " + *in.FunctionName)}
		}
		response, failed, err := u.e.OnInvoke(ctx, in.Payload)
		if err != nil {
			return nil, err
		}
		out := &lambda.InvokeOutput{StatusCode: 200, Payload: response}
		if failed != "" {
			out.FunctionError = aws.String("Unhandled")
			out.Payload = fmt.Appendf(nil, `{"errorType":%q,"errorMessage":%q,"stackTrace":["line 1"]}`, failed, response)
		}
		return out, nil
	})
}
