// Package replaylistener wires the function that works off the Replay queue, and the one that the Series state machine
// asks about each version.
package replaylistener

import (
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
	"github.com/ce873799/replayable-ingestion/internal/topic"
)

// Services are what the functions call.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Queues queue.API
	States states.API
	Topics topic.API

	Now     func() time.Time // nil: the machine's clock
	GateNow func() time.Time // of what orders publications; nil: the machine's clock
}

// New returns what handles the messages of the Replay queue. The error says what is wrong with the configuration.
func New(cfg config.ReplayListener, aws Services, tell boot.Telemetry) (*listener.Listener, error) {
	deps, err := deps(config.ReplaySeries{
		EventLogBucket: cfg.EventLogBucket, LedgerTable: cfg.LedgerTable, StateMachineARN: cfg.StateMachineARN,
		ReplayQueueURL: cfg.ReplayQueueURL, TopicARN: cfg.TopicARN, ResourceIDPath: cfg.ResourceIDPath,
		MaxEventBytes: cfg.MaxEventBytes, StartsPerSecond: cfg.StartsPerSecond,
		RequestedStartsPerSecond: cfg.RequestedStartsPerSecond,
	}, aws, tell)
	if err != nil {
		return nil, err
	}
	deps.Series, deps.SupersedeOlder = states.New(aws.States, cfg.SeriesMachineARN), cfg.SupersedeOlder
	return listener.New(deps), nil
}

// NewSeries returns what binds the versions of a series. The error says what is wrong with the configuration.
func NewSeries(cfg config.ReplaySeries, aws Services, tell boot.Telemetry) (*listener.Listener, error) {
	deps, err := deps(cfg, aws, tell)
	if err != nil {
		return nil, err
	}
	return listener.New(deps), nil
}

// deps are what both functions work with.
func deps(cfg config.ReplaySeries, aws Services, tell boot.Telemetry) (listener.Deps, error) {
	reader, err := record.NewReader(cfg.ResourceIDPath, "", cfg.MaxEventBytes)
	if err != nil {
		return listener.Deps{}, fmt.Errorf("wire the listener: %w", err)
	}
	book := ledger.New(aws.Table, cfg.LedgerTable).Metered(tell.Meter)
	events := eventlog.New(aws.Bucket, cfg.EventLogBucket).Logging(tell.Log)
	replays := queue.New(aws.Queues, cfg.ReplayQueueURL)
	gate := supersede.NewGate(book.Publications, tell.Log)
	if aws.GateNow != nil {
		gate.Now = aws.GateNow
	}
	return listener.Deps{
		Book: book, Log: events, Queue: replays,
		Machine: states.New(aws.States, cfg.StateMachineARN),
		Board:   progress.New(book.Items, book.Replays, replays), Judge: supersede.New(events, book.Executions), Gate: gate,
		Topic: topic.New(aws.Topics, cfg.TopicARN), Reader: reader, Logger: tell.Log, Meter: tell.Meter, Now: aws.Now,
		Pace: listener.Pace{PerSecond: cfg.StartsPerSecond, RequestedPerSecond: cfg.RequestedStartsPerSecond},
	}, nil
}
