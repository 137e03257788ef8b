package smoke

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/dev/replayapi"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

// env is what the checks work with.
type env struct {
	Options
	cfg     aws.Config
	machine *sfn.Client
	bucket  *s3.Client
	queues  *sqs.Client
	params  *ssm.Client
	lambda  *lambda.Client
	table   *dynamodb.Client
	book    *ledger.Ledger
	api     *replayapi.Client
	id      string // of this run
}

func newEnv(cfg aws.Config, opts Options) (*env, error) {
	if err := checkOutputs(opts.Outputs); err != nil {
		return nil, err
	}
	if opts.APIURL == "" {
		opts.APIURL = opts.Outputs[outAPI]
	}
	table := dynamodb.NewFromConfig(cfg)
	return &env{
		Options: opts, cfg: cfg,
		machine: sfn.NewFromConfig(cfg), bucket: s3.NewFromConfig(cfg), queues: sqs.NewFromConfig(cfg),
		params: ssm.NewFromConfig(cfg), lambda: lambda.NewFromConfig(cfg), table: table,
		book: ledger.New(table, opts.Outputs[outLedger]), api: replayapi.New(opts.APIURL, cfg),
		id: strings.ToLower(rand.Text()[:10]),
	}, nil
}

// resource is an id that no other check and no other run uses; owner is its owner's.
func (e *env) resource(check string) (id, owner string) {
	return "smoke-" + e.id + "-" + check, "smoke-agency-" + e.id + "-" + check
}

// start starts an execution with an event and returns its name.
func (e *env) start(ctx context.Context, event []byte) (string, error) {
	name := "smoke-" + strings.ToLower(rand.Text())
	_, err := e.machine.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(e.Outputs[outStateMachine]), Name: &name, Input: aws.String(string(event)),
	})
	var exists *types.ExecutionAlreadyExists // the name is used once: the answer to a first try was lost
	if err != nil && !errors.As(err, &exists) {
		return "", fmt.Errorf("start execution: %w", err)
	}
	return name, nil
}

func (e *env) arn(execution string) string {
	return strings.Replace(e.Outputs[outStateMachine], ":stateMachine:", ":execution:", 1) + ":" + execution
}

// ingest starts an execution with an event and waits for the status that it is to end with.
func (e *env) ingest(ctx context.Context, event []byte, want types.ExecutionStatus) (*sfn.DescribeExecutionOutput, error) {
	name, err := e.start(ctx, event)
	if err != nil {
		return nil, err
	}
	return e.ended(ctx, name, want)
}

// ended waits until an execution has ended. Another status than the one wanted is an error.
func (e *env) ended(ctx context.Context, name string, want types.ExecutionStatus) (*sfn.DescribeExecutionOutput, error) {
	var got *sfn.DescribeExecutionOutput
	err := eventually(ctx, "execution "+name+" ends", func() (done bool, err error) {
		got, err = e.machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(e.arn(name))})
		return err == nil && got.Status != types.ExecutionStatusRunning, err
	})
	if err != nil {
		return nil, err
	}
	if got.Status != want {
		return nil, fmt.Errorf("execution %s is %s, want %s: %s %s", name, got.Status, want, aws.ToString(got.Error),
			shorten(aws.ToString(got.Cause)))
	}
	return got, nil
}

// modeTTL is how long the example's functions believe a mode of the geocoder, and a little more.
const modeTTL = 1200 * time.Millisecond

// during runs f while the geocoder is in a mode, and makes it well again in any case.
func (e *env) during(ctx context.Context, mode string, f func() error) (err error) {
	if err := e.geocoder(ctx, mode); err != nil {
		return err
	}
	defer func() {
		// Also when ctx is over: the stack must not stay broken.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, e.geocoder(undo, "ok"))
	}()
	return f()
}

func (e *env) geocoder(ctx context.Context, mode string) error {
	_, err := e.params.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(e.Outputs[outGeocoderParameter]), Value: &mode, Overwrite: aws.Bool(true),
		Type: ssmtypes.ParameterTypeString,
	})
	if err != nil {
		return fmt.Errorf("set geocoder to %s: %w", mode, err)
	}
	return smithytime.SleepWithContext(ctx, modeTTL)
}

const pollEvery = 300 * time.Millisecond

// eventually asks until the answer is yes, or fails with what was waited for.
func eventually(ctx context.Context, what string, ask func() (done bool, err error)) error {
	for {
		done, err := ask()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if done {
			return nil
		}
		if err := smithytime.SleepWithContext(ctx, pollEvery); err != nil {
			return fmt.Errorf("%s: did not happen in time: %w", what, err)
		}
	}
}

func shorten(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
