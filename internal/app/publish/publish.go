// Package publish wires the function of a workflow's Publish state.
package publish

import (
	"time"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/aws/sns"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Services are what the function calls.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Topics sns.API
	Now    func() time.Time // nil: the machine's clock
}

// New returns the function's handler.
func New(cfg config.Publish, services Services, telemetry boot.Telemetry) *ingest.Publisher {
	book := ledger.New(services.Table, cfg.LedgerTable).Metered(telemetry.Meter)
	gate := outcome.NewPublishGate(book.Publications, telemetry.Log)
	if services.Now != nil {
		gate.Now = services.Now
	}
	return ingest.NewPublisher(
		sns.New(services.Topics, cfg.TopicARN), eventlog.New(services.Bucket, cfg.EventLogBucket).Logging(telemetry.Log),
		book.Executions, gate,
		ingest.PublishOptions{StoreOutputs: cfg.StoreOutputs, SupersedeOlder: cfg.SupersedeOlder}, telemetry.Log, telemetry.Meter)
}
