package boot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/smithy-go/logging"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func lines(t *testing.T, out *bytes.Buffer) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, m)
	}
	return all
}

func invocation(t *testing.T) context.Context {
	t.Helper()
	return lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
}

func TestALineHasWhatLambdaReads(t *testing.T) {
	var out bytes.Buffer
	tele := NewTelemetry(&out, config.Telemetry{Ingestion: "orders"})
	tele.Log.With("mode", "live").WarnContext(invocation(t), "event not recorded", "execution", "e-1")
	got := lines(t, &out)[0]
	if _, err := time.Parse(time.RFC3339Nano, got["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	delete(got, "timestamp")
	want := map[string]any{
		"level": "WARN", "message": "event not recorded", "mode": "live", "execution": "e-1", "requestId": "r-1",
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: got %v, want %v", key, got[key], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheLevelHidesLinesAndNoMetrics(t *testing.T) {
	var out bytes.Buffer
	tele := NewTelemetry(&out, config.Telemetry{Ingestion: "orders", LogLevel: slog.LevelError})
	handle := Flushed(tele, func(ctx context.Context, _ int) (int, error) {
		tele.Log.InfoContext(ctx, "not shown")
		tele.Log.ErrorContext(ctx, "shown")
		tele.Meter.Add(schema.Recorded, 1)
		return 7, nil
	})
	if n, err := handle(invocation(t), 0); n != 7 || err != nil {
		t.Errorf("got %v, %v", n, err)
	}
	got := lines(t, &out)
	if len(got) != 2 || got[0]["message"] != "shown" || got[1]["Recorded"] != 1.0 || got[1]["Errors"] != 1.0 || got[1]["requestId"] != "r-1" {
		t.Errorf("got %v", got)
	}
}

func TestMetricsAreWrittenAfterAFailureAndAPanic(t *testing.T) {
	failure := errors.New("no such bucket")
	for name, end := range map[string]func() error{
		"failure": func() error { return failure },
		"panic":   func() error { panic(failure) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			tele := NewTelemetry(&out, config.Telemetry{Ingestion: "orders"})
			handle := Flushed(tele, func(context.Context, int) (int, error) {
				tele.Meter.Add(schema.Recorded, 1)
				return 0, end()
			})
			var got error
			func() {
				defer func() {
					if p, panicked := recover().(error); panicked {
						got = p
					}
				}()
				_, got = handle(t.Context(), 0)
			}()
			if !errors.Is(got, failure) {
				t.Errorf("got %v, want the handler's %v", got, failure)
			}
			line := lines(t, &out)[0]
			if line["Recorded"] != 1.0 || (line["Errors"] == 1.0) != (name == "panic") {
				t.Errorf("got %v", line)
			}
		})
	}
}

// aws-lambda-go prints each error that it reports, as plain text.
func TestWhatTheRuntimePrintsBecomesALineUnlessItWasLogged(t *testing.T) {
	var out bytes.Buffer
	tele := NewTelemetry(&out, config.Telemetry{Ingestion: "orders"})
	plain := log.New(io.Discard, "", log.LstdFlags)
	tele.takeOver(plain)
	handle := Flushed(tele, func(_ context.Context, in string) (string, error) {
		if in == "panic" {
			panic("no")
		}
		return "", errors.New("refused")
	})
	if _, err := handle(t.Context(), "refused"); err == nil {
		t.Error("got no error")
	}
	plain.Printf("%s", `{"errorMessage":"refused"}`)
	if out.Len() > 0 {
		t.Errorf("an error that was logged is logged again: %s", &out)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = handle(t.Context(), "panic")
	}()
	plain.Printf("%s", `{"errorMessage":"no","stackTrace":[]}`)
	got := lines(t, &out)
	if len(got) != 2 || got[0]["Errors"] != 1.0 || got[1]["level"] != "ERROR" || got[1]["message"] != "invocation failed" ||
		got[1]["error"] != `{"errorMessage":"no","stackTrace":[]}` {
		t.Errorf("got %v", got)
	}
}

func TestWhatTheSDKPrintsBecomesALine(t *testing.T) {
	var out bytes.Buffer
	tele := NewTelemetry(&out, config.Telemetry{Ingestion: "orders"})
	sdk := logging.WithContext(invocation(t), sdkLog{tele.Log, t.Context()})
	sdk.Logf(logging.Warn, "failed to discard %d bytes", 7)
	sdk.Logf(logging.Debug, "not shown")
	got := lines(t, &out)
	if len(got) != 1 || got[0]["level"] != "WARN" || got[0]["error"] != "failed to discard 7 bytes" || got[0]["requestId"] != "r-1" {
		t.Errorf("got %v", got)
	}
}
