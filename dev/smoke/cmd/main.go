// Command cmd runs the smoke checks against a deployed stack of the example: see docs/aws-smoke.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ce873799/replayable-ingestion/dev/smoke"
)

func main() {
	// An interrupted check still restores the geocoder.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := smoke.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
