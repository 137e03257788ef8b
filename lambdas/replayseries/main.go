// Command replayseries binds and checks each version of a series.
package main

import (
	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/replaylistener"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadReplaySeries)
	handler, err := replaylistener.NewSeries(cfg, replaylistener.NewServices(awsConfig), telemetry)
	boot.Check(telemetry, err)
	boot.Run(telemetry, handler.BindVersion)
}
