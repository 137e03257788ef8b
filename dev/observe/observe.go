// Package observe looks at a deployed stack of the example from outside: at Step Functions, S3, the ledger and the
// queues. The demo, chaos, the smoke checks and the end-to-end tests share it, so all of them read the system in the
// same way.
package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Stack says where the parts of a deployed stack are. A field is empty if the stack has no output for it.
type Stack struct {
	APIURL                 string `json:"apiUrl"` // as callable from here, without a slash at the end
	StateMachineARN        string `json:"stateMachineArn"`
	EventLogBucket         string `json:"eventLogBucket"`
	DeadLetterQueueURL     string `json:"deadLetterQueueUrl"`
	ReplayQueueURL         string `json:"replayQueueUrl"`
	OutcomesQueueURL       string `json:"outcomesQueueUrl"`
	TopicARN               string `json:"topicArn"`
	LedgerTable            string `json:"ledgerTable"`
	DownstreamQueueURL     string `json:"downstreamQueueUrl"`
	DownstreamLiveQueueURL string `json:"downstreamLiveQueueUrl"`
	PremiumQueueURL        string `json:"premiumQueueUrl"`
	GeocoderParameter      string `json:"geocoderParameter"`
}

// FromOutputs reads the stack's CloudFormation outputs, by name.
func FromOutputs(outputs map[string]string) Stack {
	return Stack{
		APIURL:                 outputs["ApiUrl"],
		StateMachineARN:        outputs["StateMachineArn"],
		EventLogBucket:         outputs["EventLogBucket"],
		DeadLetterQueueURL:     outputs["DeadLetterQueueUrl"],
		ReplayQueueURL:         outputs["ReplayQueueUrl"],
		OutcomesQueueURL:       outputs["OutcomesQueueUrl"],
		TopicARN:               outputs["TopicArn"],
		LedgerTable:            outputs["LedgerTable"],
		DownstreamQueueURL:     outputs["DownstreamQueueUrl"],
		DownstreamLiveQueueURL: outputs["DownstreamLiveQueueUrl"],
		PremiumQueueURL:        outputs["PremiumQueueUrl"],
		GeocoderParameter:      outputs["GeocoderParameter"],
	}
}

// EmulatorAPI is where the emulator serves a REST API whose URL on AWS is https://<id>.execute-api.<region>.<suffix>/<stage>/.
// That host name does not resolve.
func EmulatorAPI(endpoint, deployedURL string) string {
	u, err := url.Parse(deployedURL)
	if err != nil || deployedURL == "" {
		return ""
	}
	id, _, _ := strings.Cut(u.Host, ".")
	return endpoint + "/_aws/execute-api/" + id + "/" + strings.Trim(u.Path, "/")
}

// System is a deployed stack with clients of its parts.
type System struct {
	Stack
	AWSConfig aws.Config
	Machine   *sfn.Client
	Watcher   *sfn.Client // lists and describes executions
	Bucket    *s3.Client
	Queues    *sqs.Client
	Params    *ssm.Client
	Lambda    *lambda.Client
	Table     *dynamodb.Client
	Book      *ledger.Ledger
	API       *client.Client
}

// Connect returns a client of the API at a URL. A nil transport is that of net/http.
func Connect(apiURL string, cfg aws.Config, transport http.RoundTripper) (*client.Client, error) {
	return client.New(client.Config{BaseURL: apiURL, Region: cfg.Region, Credentials: cfg.Credentials, Transport: transport})
}

// New returns the system of a stack that has an API. On the emulator, the calls of watching do not count toward the account's
// quotas.
func New(cfg, watching aws.Config, stack Stack) (*System, error) {
	api, err := Connect(stack.APIURL, cfg, nil)
	if err != nil {
		return nil, err
	}
	table := dynamodb.NewFromConfig(cfg)
	return &System{
		Stack: stack, AWSConfig: cfg,
		Machine: sfn.NewFromConfig(cfg), Watcher: sfn.NewFromConfig(watching), Bucket: s3.NewFromConfig(cfg), Queues: sqs.NewFromConfig(cfg),
		Params: ssm.NewFromConfig(cfg), Lambda: lambda.NewFromConfig(cfg), Table: table,
		Book: ledger.New(table, stack.LedgerTable), API: api,
	}, nil
}

// Modes of the example's geocoder, stored in its parameter.
const (
	GeocoderOK          = "ok"
	GeocoderUnavailable = "unavailable"
	GeocoderHang        = "hang"
)

// geocoderTTL is a little more than the time for which the example's functions cache the mode.
const geocoderTTL = 1200 * time.Millisecond

// Geocoder changes how the example's geocoder behaves, and waits until the functions have noticed.
func (s *System) Geocoder(ctx context.Context, mode string) error {
	if err := s.SetGeocoder(ctx, mode); err != nil {
		return err
	}
	return smithytime.SleepWithContext(ctx, geocoderTTL)
}

// SetGeocoder changes how the example's geocoder behaves. Functions notice a second later.
func (s *System) SetGeocoder(ctx context.Context, mode string) error {
	_, err := s.Params.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &s.GeocoderParameter, Value: &mode, Overwrite: aws.Bool(true), Type: ssmtypes.ParameterTypeString,
	})
	if err != nil {
		return fmt.Errorf("set the geocoder to %s: %w", mode, err)
	}
	return nil
}

// Eventually polls at an interval until the answer is true. Its error says what it waited for.
func Eventually(ctx context.Context, interval time.Duration, what string, ask func(context.Context) (bool, error)) error {
	for {
		yes, err := ask(ctx)
		if err == nil && !yes {
			err = smithytime.SleepWithContext(ctx, interval)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s: did not happen in time: %w", what, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if yes {
			return nil
		}
	}
}

// ExecutionARN returns the ARN of an execution of the ingestion state machine.
func (s *System) ExecutionARN(name string) string {
	return strings.Replace(s.StateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}
