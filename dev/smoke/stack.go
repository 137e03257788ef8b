package smoke

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// needed are the outputs of the example's stack that the checks read.
var needed = []string{
	"StateMachineArn", "EventLogBucket", "DeadLetterQueueUrl", "LedgerTable", "ApiUrl", "DownstreamQueueUrl", "DownstreamLiveQueueUrl",
	"GeocoderParameter",
}

func checkOutputs(outputs map[string]string) error {
	var errs []error
	for _, name := range needed {
		if outputs[name] == "" {
			errs = append(errs, fmt.Errorf("the stack has no output %s: is it a stack of the example?", name))
		}
	}
	return errors.Join(errs...)
}

// Outputs reads the outputs of a deployed stack.
func Outputs(ctx context.Context, cfg aws.Config, stack string) (map[string]string, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", stack, err)
	}
	if len(out.Stacks) != 1 {
		return nil, fmt.Errorf("describe stack %s: got %d stacks, want 1", stack, len(out.Stacks))
	}
	outputs := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs, checkOutputs(outputs)
}
