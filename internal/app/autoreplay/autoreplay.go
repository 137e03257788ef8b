// Package autoreplay wires the scheduled function that keeps failures from being lost.
package autoreplay

import (
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/aws/cloudwatch"
	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Services are what the function calls.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Queues sqs.API
	States sfn.API
	Alarms cloudwatch.API

	Now    func() time.Time // nil: the machine's clock
	Random func() float64   // from 0 up to 1; nil: math/rand
}

// askedAtOnce is how many questions to Step Functions a run takes out of their quota together.
const askedAtOnce = 20

// New returns what the function runs. The error says what is wrong with the configuration.
func New(cfg config.AutoReplay, services Services, telemetry boot.Telemetry) (*autoreplay.Runner, error) {
	// Inputs are only read for their ids here: the workflow's limit on events was Record's to apply.
	reader, err := ingest.NewReader(cfg.ResourceIDPath, cfg.OwnerIDPath, ingest.AnySize)
	if err != nil {
		return nil, fmt.Errorf("wire auto-replay: %w", err)
	}
	book := ledger.New(services.Table, cfg.LedgerTable).Metered(telemetry.Meter)
	events := eventlog.New(services.Bucket, cfg.EventLogBucket).Logging(telemetry.Log)
	replays := sqs.New(services.Queues, cfg.ReplayQueueURL)
	replayProgress := progress.New(book.Items, book.Replays, replays)
	questions := sfn.NewQuota(book.Pace.Tokens(ledger.Questions()), askedAtOnce, services.Now)
	deps := autoreplay.Deps{
		Book: book, Log: events, Machine: sfn.New(services.States, cfg.StateMachineARN).Within(questions),
		Series:      sfn.New(services.States, cfg.SeriesMachineARN).Within(questions),
		DeadLetters: sqs.New(services.Queues, cfg.DeadLetterQueueURL), Replays: replays,
		Outcomes: outcome.NewEndRecorder(book.Executions, book.Ends, book.Failures, replayProgress, telemetry.Log), Progress: replayProgress,
		Superseding: outcome.NewSuperseding(events, book.Executions),
		Reader:      reader, Logger: telemetry.Log, Meter: telemetry.Meter, Now: services.Now, Random: services.Random,
	}
	if cfg.PauseAlarm != "" {
		deps.Pause = cloudwatch.New(services.Alarms, cfg.PauseAlarm)
	}
	return autoreplay.New(deps, autoreplay.Policy{
		Enabled: cfg.Enabled, Errors: domain.RetryPolicy{RetryOn: cfg.RetryOn, DoNotRetryOn: cfg.DoNotRetryOn},
		MaxAttempts: cfg.MaxAttempts, BackoffBase: cfg.BackoffBase, BackoffRate: cfg.BackoffRate,
		MaxBackoff: cfg.MaxBackoff, MaxAge: cfg.MaxAge,
		CanaryThreshold: cfg.CanaryThreshold, StartsPerSecond: cfg.StartsPerSecond, Interval: cfg.Interval,
		SupersedeOlder: cfg.SupersedeOlder, CloseSuperseded: cfg.CloseSuperseded,
		SettleAfter: cfg.SettleAfter, UnaccountedAfter: cfg.UnaccountedAfter,
	}), nil
}
