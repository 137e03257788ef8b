// Package autoreplay wires the scheduled function that keeps failures from being lost.
package autoreplay

import (
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/alarm"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/classify"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/settle"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
)

// Services are what the function calls.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Queues queue.API
	States states.API
	Alarms alarm.API

	Now    func() time.Time // nil: the machine's clock
	Random func() float64   // from 0 up to 1; nil: math/rand
}

// askedAtOnce is how many questions to Step Functions a run takes out of their quota together.
const askedAtOnce = 20

// New returns the job that the function runs. The error says what is wrong with the configuration.
func New(cfg config.AutoReplay, aws Services, tell boot.Telemetry) (*autoreplay.Job, error) {
	// Inputs are only read for their ids here: the workflow's limit on events was Record's to apply.
	reader, err := record.NewReader(cfg.ResourceIDPath, cfg.OwnerIDPath, record.AnySize)
	if err != nil {
		return nil, fmt.Errorf("wire auto-replay: %w", err)
	}
	book := ledger.New(aws.Table, cfg.LedgerTable).Metered(tell.Meter)
	events := eventlog.New(aws.Bucket, cfg.EventLogBucket).Logging(tell.Log)
	replays := queue.New(aws.Queues, cfg.ReplayQueueURL)
	board := progress.New(book.Items, book.Replays, replays)
	questions := states.NewQuota(book.Pace, askedAtOnce, aws.Now)
	deps := autoreplay.Deps{
		Book: book, Log: events, Machine: states.New(aws.States, cfg.StateMachineARN).Within(questions),
		Series:      states.New(aws.States, cfg.SeriesMachineARN).Within(questions),
		DeadLetters: queue.New(aws.Queues, cfg.DeadLetterQueueURL), Replays: replays,
		Settler: settle.New(book.Executions, book.Failures, board, tell.Log), Board: board, Reader: reader, Logger: tell.Log, Meter: tell.Meter,
		Now: aws.Now, Random: aws.Random,
	}
	if cfg.PauseAlarm != "" {
		deps.Pause = alarm.New(aws.Alarms, cfg.PauseAlarm)
	}
	if cfg.SupersedeOlder {
		deps.Judge = supersede.New(events, book.Executions)
	}
	return autoreplay.New(deps, autoreplay.Policy{
		Enabled: cfg.Enabled, Errors: classify.Policy{RetryOn: cfg.RetryOn, DoNotRetryOn: cfg.DoNotRetryOn},
		MaxAttempts: cfg.MaxAttempts, BackoffBase: cfg.BackoffBase, BackoffRate: cfg.BackoffRate,
		MaxBackoff: cfg.MaxBackoff, MaxAge: cfg.MaxAge,
		CanaryThreshold: cfg.CanaryThreshold, StartsPerSecond: cfg.StartsPerSecond, Interval: cfg.Interval,
		CloseSuperseded: cfg.CloseSuperseded, SettleAfter: cfg.SettleAfter, UnaccountedAfter: cfg.UnaccountedAfter,
	}), nil
}
