// Command dev runs the example on this machine: see package cli.
package main

import (
	"context"
	"os"

	"github.com/ce873799/replayable-ingestion/dev/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
