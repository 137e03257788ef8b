package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/ce873799/replayable-ingestion/dev/faultproxy"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/replayapi"
	"github.com/ce873799/replayable-ingestion/internal/classify"
)

// maxAttempts is small, so that the roughest level reaches it.
const maxAttempts = 3

const (
	autoReplayName  = "AutoReplay"
	autoReplayLimit = 40 * time.Second
)

// bringUp deploys the dev stage. Its functions reach the emulator through the proxy only; what waits for minutes in
// earnest waits for seconds here.
func (r *run) bringUp(ctx context.Context) error {
	// A process that is killed at work is a passing trouble here. Who wants that elsewhere says so with RetryOn.
	retryOn, err := json.Marshal(append(classify.DefaultRetryOn(), "Runtime.ExitError"))
	if err != nil {
		return err
	}
	stack, err := local.Start(ctx, local.Options{
		Dir: r.opts.Dir, Progress: r.opts.Out,
		FunctionEndpoint: func(emulator string) (string, error) {
			r.proxy, err = faultproxy.Start(faultproxy.Options{Backend: emulator, Seed: r.opts.Seed})
			if err != nil {
				return "", err
			}
			return r.proxy.URL(), nil
		},
		Env: map[string]map[string]string{autoReplayName: {
			"MAX_ATTEMPTS": fmt.Sprint(maxAttempts), "BACKOFF_BASE": "1s", "MAX_BACKOFF": "2s", "SETTLE_AFTER": "10s",
			"RETRY_ON": string(retryOn),
		}},
		// A run that is killed keeps its lease until its time would have been over.
		Timeouts: map[string]time.Duration{autoReplayName: autoReplayLimit},
	})
	if err != nil {
		return err
	}
	r.stack = stack
	cfg := stack.Config()
	r.machine, r.bucket, r.queues = sfn.NewFromConfig(cfg), s3.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	r.params, r.lambdas, r.table = ssm.NewFromConfig(cfg), lambda.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	r.api = replayapi.New(stack.APIURL, cfg)
	// A batch that failed comes again soon, not after three minutes or twelve.
	for url, seconds := range map[string]string{stack.OutcomesQueueURL: "5", stack.ReplayQueueURL: "15"} {
		_, err := r.queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": seconds},
		})
		if err != nil {
			return fmt.Errorf("set the visibility timeout of %s: %w", url, err)
		}
	}
	return nil
}

func (r *run) executionARN(name string) string {
	return strings.Replace(r.stack.StateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// How the example's geocoder behaves, as its parameter says.
const (
	geocoderOK          = "ok"
	geocoderUnavailable = "unavailable"
	geocoderHang        = "hang"
)

func (r *run) geocoder(ctx context.Context, mode string) error {
	_, err := r.params.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &r.stack.GeocoderParameter, Value: &mode, Overwrite: aws.Bool(true), Type: types.ParameterTypeString,
	})
	if err != nil {
		return fmt.Errorf("make the geocoder %s: %w", mode, err)
	}
	return nil
}
