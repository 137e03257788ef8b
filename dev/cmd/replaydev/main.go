// Command replaydev runs a CDK app on this machine: see package replaydev.
package main

import (
	"context"
	"os"

	"github.com/ce873799/replayable-ingestion/dev/replaydev"
)

func main() {
	os.Exit(replaydev.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
