package boot

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// NewTelemetry writes log lines and metrics to out. The level is applied here and not by Lambda: Lambda takes a line
// without a level, as that of metrics is, for INFO, and drops it where less is asked for ("Log-level filtering", AWS
// Lambda Developer Guide).
func NewTelemetry(out io.Writer, about config.Telemetry) Telemetry {
	meter := emf.New(out, about.Ingestion)
	lines := slog.NewJSONHandler(out, &slog.HandlerOptions{
		Level:       about.LogLevel,
		ReplaceAttr: lambdacontext.ReplaceAttr, // timestamp and message, as Lambda's own lines have
	})
	return Telemetry{Log: slog.New(handler{lines, meter}), Meter: meter, uncounted: lines, told: new(atomic.Bool)}
}

// takeOver makes lines of what aws-lambda-go prints as plain text: each error that it reports to Lambda. One that the
// handler has returned is logged already; others are panics and events that could not be decoded.
func (t Telemetry) takeOver(plain *log.Logger) {
	plain.SetFlags(0)
	plain.SetOutput(writerFunc(func(text []byte) (int, error) {
		if t.told.Load() && bytes.HasPrefix(text, []byte("{")) { // else it is the library's own trouble
			return len(text), nil
		}
		// Not by t.Log: its count would come after the metrics of this event, with those of the next.
		r := slog.NewRecord(time.Now(), slog.LevelError, "invocation failed", 0)
		r.AddAttrs(slog.String("error", strings.TrimSpace(string(text))))
		return len(text), t.uncounted.Handle(context.Background(), r)
	}))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// handler adds the id of the request to each line, and counts errors.
type handler struct {
	slog.Handler
	meter *emf.Meter
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := requestID(ctx); id != "" {
		r.AddAttrs(slog.String("requestId", id))
	}
	if r.Level >= slog.LevelError {
		h.meter.Add(schema.Errors, 1)
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.meter}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.meter}
}
