// Package publish wires the function of a workflow's Publish state.
package publish

import (
	"time"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/publish"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
	"github.com/ce873799/replayable-ingestion/internal/topic"
)

// Services are what the function calls.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Topics topic.API
	Now    func() time.Time // nil: the machine's clock
}

// New returns the function's handler.
func New(cfg config.Publish, aws Services, tell boot.Telemetry) *publish.Publisher {
	book := ledger.New(aws.Table, cfg.LedgerTable).Metered(tell.Meter)
	gate := supersede.NewGate(book.Publications, tell.Log)
	if aws.Now != nil {
		gate.Now = aws.Now
	}
	return publish.New(
		topic.New(aws.Topics, cfg.TopicARN), eventlog.New(aws.Bucket, cfg.EventLogBucket).Logging(tell.Log),
		book.Executions, gate,
		publish.Options{StoreOutputs: cfg.StoreOutputs, SupersedeOlder: cfg.SupersedeOlder}, tell.Log, tell.Meter)
}
