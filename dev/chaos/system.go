package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/faultproxy"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/internal/domain"
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
	retryOn, err := json.Marshal(append(domain.DefaultRetryOn(), "Runtime.ExitError"))
	if err != nil {
		return err
	}
	stack, err := local.Start(ctx, local.Options{
		Dir: r.opts.Dir, Progress: r.opts.Out,
		FunctionEndpoint: func(emulator string) (string, error) {
			r.proxy, err = faultproxy.Start(faultproxy.Options{Backend: emulator, Seed: r.opts.Seed, Observe: r.calls.Observe})
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
	if r.System, err = stack.System(); err != nil {
		return err
	}

	// A batch that failed comes again soon, not after three minutes or twelve.
	for url, seconds := range map[string]string{stack.OutcomesQueueURL: "5", stack.ReplayQueueURL: "15"} {
		_, err := r.Queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": seconds},
		})
		if err != nil {
			return fmt.Errorf("set the visibility timeout of %s: %w", url, err)
		}
	}
	return nil
}
