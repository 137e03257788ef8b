// Command replayctl operates the replay API of a ReplayableIngestion.
package main

import (
	"context"
	"os"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

func main() { os.Exit(ctl.Main(context.Background(), factory.System())) }
