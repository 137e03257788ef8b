// Package tracker wires the function that settles executions in the ledger as they end.
package tracker

import (
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/settle"
	"github.com/ce873799/replayable-ingestion/internal/tracker"
)

// New returns the function's handler.
func New(cfg config.Tracker, table ledger.Client, queues queue.API, tell boot.Telemetry) *tracker.Tracker {
	book := ledger.New(table, cfg.LedgerTable).Metered(tell.Meter)
	replays := queue.New(queues, cfg.ReplayQueueURL)
	board := progress.New(book.Items, book.Replays, replays)
	settler := settle.New(book.Executions, book.Failures, board, tell.Log).Metered(tell.Meter)
	return tracker.New(settler, replays, cfg.StateMachineARN, cfg.SeriesMachineARN, tell.Log).Metered(tell.Meter)
}
