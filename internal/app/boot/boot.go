// Package boot is what every function does before it takes events: read the configuration, then the AWS settings; and
// around each of them: write its log lines and its metrics.
package boot

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Telemetry is where a function tells what it does.
type Telemetry struct {
	Log   *slog.Logger
	Meter *emf.Meter

	uncounted slog.Handler
	told      *atomic.Bool // the handler returned, and with an error has logged it
}

// Start loads a function's configuration and the AWS settings of its environment, or logs every fault and exits.
func Start[C any](load func(func(string) string) (C, error)) (C, aws.Config, Telemetry) {
	about, terr := config.LoadTelemetry(os.Getenv)
	t := NewTelemetry(os.Stdout, about)
	cfg, err := load(os.Getenv)
	Check(t, errors.Join(terr, err))
	awsCfg, err := settings(os.Getenv)
	if err != nil {
		t.Log.Error("invalid AWS settings", "error", err)
		os.Exit(1)
	}
	awsCfg.Logger = sdkLog{t.Log, context.Background()}
	return cfg, awsCfg, t
}

// Check logs what is wrong with a function's configuration and exits, if anything is.
func Check(t Telemetry, err error) {
	if err != nil {
		t.Log.Error("invalid configuration", "error", err)
		os.Exit(1)
	}
}

// Run serves events with a handler until Lambda ends the process. The handler logs the errors that it returns.
func Run[I, O any](t Telemetry, handle func(context.Context, I) (O, error)) {
	t.takeOver(log.Default())
	lambda.Start(Flushed(t, handle))
}

// Flushed returns the handler with its metrics written at the end of each event, also if it panics.
func Flushed[I, O any](t Telemetry, handle func(context.Context, I) (O, error)) func(context.Context, I) (O, error) {
	return func(ctx context.Context, in I) (out O, err error) {
		t.told.Store(false)
		defer func() {
			if !t.told.Load() {
				t.Meter.Add(schema.Errors, 1) // the panic is logged when the metrics are written
			}
			if ferr := t.Meter.Flush(requestID(ctx)); ferr != nil {
				t.Log.ErrorContext(ctx, "metrics not written", "error", ferr)
			}
		}()
		out, err = handle(ctx, in)
		t.told.Store(true)
		return out, err
	}
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
