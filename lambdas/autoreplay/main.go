// Command autoreplay is the scheduled job that keeps failures from being lost.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/oklog/ulid/v2"

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

func main() {
	cfg, aws, tell := boot.Start(config.LoadAutoReplay)
	// Inputs are only read for their ids here: the workflow's limit on events was Record's to apply.
	reader, err := record.NewReader(cfg.ResourceIDPath, cfg.OwnerIDPath, record.AnySize)
	if err != nil {
		tell.Log.Error("invalid configuration", "error", err)
		os.Exit(1)
	}
	book := ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable).Metered(tell.Meter)
	events := eventlog.New(s3.NewFromConfig(aws), cfg.EventLogBucket).Logging(tell.Log)
	queues := sqs.NewFromConfig(aws)
	replays := queue.New(queues, cfg.ReplayQueueURL)
	board := progress.New(book.Items, book.Replays, replays)
	machines := sfn.NewFromConfig(aws)
	deps := autoreplay.Deps{
		Book: book, Log: events, Machine: states.New(machines, cfg.StateMachineARN), Series: states.New(machines, cfg.SeriesMachineARN),
		DeadLetters: queue.New(queues, cfg.DeadLetterQueueURL), Replays: replays,
		Settler: settle.New(book.Executions, book.Failures, board, tell.Log), Board: board, Reader: reader, Logger: tell.Log, Meter: tell.Meter,
	}
	if cfg.PauseAlarm != "" {
		deps.Pause = alarm.New(cloudwatch.NewFromConfig(aws), cfg.PauseAlarm)
	}
	if cfg.SupersedeOlder {
		deps.Judge = supersede.New(events, book.Executions)
	}
	job := autoreplay.New(deps, autoreplay.Policy{
		Enabled: cfg.Enabled, Errors: classify.Policy{RetryOn: cfg.RetryOn, DoNotRetryOn: cfg.DoNotRetryOn},
		MaxAttempts: cfg.MaxAttempts, BackoffBase: cfg.BackoffBase, BackoffRate: cfg.BackoffRate,
		MaxBackoff: cfg.MaxBackoff, MaxAge: cfg.MaxAge,
		CanaryThreshold: cfg.CanaryThreshold, StartsPerSecond: cfg.StartsPerSecond, Interval: cfg.Interval,
		SettleAfter: cfg.SettleAfter, UnaccountedAfter: cfg.UnaccountedAfter,
	})
	boot.Run(tell, func(ctx context.Context, ask autoreplay.Request) (autoreplay.Summary, error) {
		// Not the request id: Lambda repeats a failed asynchronous call under the same one.
		return job.Run(ctx, ulid.Make().String(), ask)
	})
}
