// Command replayctl operates the replay API of a ReplayableIngestion.
package main

import (
	"context"
	"os"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
)

func main() { os.Exit(ctl.Main(context.Background(), ctl.System())) }
