package smoke

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// The outputs of the example's stack that the checks read.
const (
	outStateMachine      = "StateMachineArn"
	outEventLog          = "EventLogBucket"
	outDeadLetterQueue   = "DeadLetterQueueUrl"
	outLedger            = "LedgerTable"
	outAPI               = "ApiUrl"
	outDownstream        = "DownstreamQueueUrl"
	outDownstreamLive    = "DownstreamLiveQueueUrl"
	outGeocoderParameter = "GeocoderParameter"
)

func needed() []string {
	return []string{
		outStateMachine, outEventLog, outDeadLetterQueue, outLedger, outAPI, outDownstream, outDownstreamLive,
		outGeocoderParameter,
	}
}

func checkOutputs(outputs map[string]string) error {
	var errs []error
	for _, name := range needed() {
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

// APIURL returns where the emulator at endpoint serves the API that has this URL on AWS. The emulator's own host name
// for it, <api id>.execute-api.…, does not resolve.
func APIURL(endpoint, apiURL string) (string, error) {
	u, err := url.Parse(apiURL)
	if err != nil {
		return "", fmt.Errorf("API URL: %w", err)
	}
	id, _, found := strings.Cut(u.Hostname(), ".")
	if !found || id == "" {
		return "", fmt.Errorf("API URL %q: its host does not begin with the id of an API", apiURL)
	}
	return strings.TrimSuffix(endpoint, "/") + "/_aws/execute-api/" + id + "/" + strings.Trim(u.Path, "/") + "/", nil
}

// autoReplayID is how the logical id of the example's auto-replay function begins.
const autoReplayID = "ListingsAutoReplayFunction"

// AutoReplayFunction finds the name of a stack's auto-replay function.
func AutoReplayFunction(ctx context.Context, cfg aws.Config, stack string) (string, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &stack})
	if err != nil {
		return "", fmt.Errorf("describe resources of stack %s: %w", stack, err)
	}
	for _, r := range out.StackResources {
		if strings.HasPrefix(aws.ToString(r.LogicalResourceId), autoReplayID) && aws.ToString(r.ResourceType) == "AWS::Lambda::Function" {
			return aws.ToString(r.PhysicalResourceId), nil
		}
	}
	return "", fmt.Errorf("stack %s has no function %s: is it a stack of the example?", stack, autoReplayID)
}
