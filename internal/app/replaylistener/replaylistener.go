// Package replaylistener wires the function that works off the Replay queue, and the one that the Series state machine
// asks about each version.
package replaylistener

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/aws/lambda"
	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sns"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Services are what the functions call.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Queues sqs.API
	States sfn.API
	Topics sns.API

	Functions lambda.API // that transform events; nil: none

	Now     func() time.Time // nil: the machine's clock
	GateNow func() time.Time // of what orders publications; nil: the machine's clock
}

// NewServices returns the clients of AWS.
func NewServices(cfg aws.Config) Services {
	return Services{
		Table: dynamodb.NewFromConfig(cfg), Bucket: s3.NewFromConfig(cfg), Queues: awssqs.NewFromConfig(cfg),
		States: awssfn.NewFromConfig(cfg), Topics: awssns.NewFromConfig(cfg), Functions: awslambda.NewFromConfig(cfg),
	}
}

// New returns what handles the messages of the Replay queue. The error says what is wrong with the configuration.
func New(cfg config.ReplayListener, services Services, telemetry boot.Telemetry) (*listener.Listener, error) {
	l, err := NewSeries(cfg.ReplaySeries, services, telemetry)
	if err != nil {
		return nil, err
	}
	l.Series, l.SupersedeOlder = sfn.New(services.States, cfg.SeriesMachineARN), cfg.SupersedeOlder
	return l, nil
}

// NewSeries returns what binds the versions of a series. The error says what is wrong with the configuration.
func NewSeries(cfg config.ReplaySeries, services Services, telemetry boot.Telemetry) (*listener.Listener, error) {
	reader, err := ingest.NewReader(cfg.ResourceIDPath, "", cfg.MaxEventBytes)
	if err != nil {
		return nil, fmt.Errorf("wire the listener: %w", err)
	}
	book := ledger.New(services.Table, cfg.LedgerTable).Metered(telemetry.Meter)
	events := eventlog.New(services.Bucket, cfg.EventLogBucket).Logging(telemetry.Log)
	replays := sqs.New(services.Queues, cfg.ReplayQueueURL)
	gate := outcome.NewPublishGate(book.Publications, telemetry.Log)
	if services.GateNow != nil {
		gate.Now = services.GateNow
	}
	return listener.New(listener.Deps{
		Book: book, Log: events, Queue: replays,
		Machine:  sfn.New(services.States, cfg.StateMachineARN),
		Progress: progress.New(book.Items, book.Replays, replays), Superseding: outcome.NewSuperseding(events, book.Executions), Gate: gate,
		Functions: lambda.New(services.Functions, cfg.Transforms),
		Topic:     sns.New(services.Topics, cfg.TopicARN), Reader: reader, Logger: telemetry.Log, Meter: telemetry.Meter, Now: services.Now,
		Pace: listener.Pace{StartsPerSecond: cfg.StartsPerSecond, RequestedStartsPerSecond: cfg.RequestedStartsPerSecond},
	}), nil
}
