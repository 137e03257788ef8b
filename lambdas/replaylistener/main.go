// Command replaylistener works off the Replay queue.
package main

import (
	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/replaylistener"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadReplayListener)
	handler, err := replaylistener.New(cfg, replaylistener.NewServices(awsConfig), telemetry)
	boot.Check(telemetry, err)
	boot.Run(telemetry, handler.Handle)
}
