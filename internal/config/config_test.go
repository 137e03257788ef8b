package config

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

var autoReplay = AutoReplay{
	Enabled: true, EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "arn", SeriesMachineARN: "series", DeadLetterQueueURL: "d", ReplayQueueURL: "r",
	ResourceIDPath: "$.id", SupersedeOlder: true, RetryOn: []string{"States.Timeout", "*Throttl*"}, DoNotRetryOn: []string{},
	MaxAttempts: 5, BackoffBase: time.Minute, BackoffRate: 2.5, MaxBackoff: time.Hour, MaxAge: 72 * time.Hour, SettleAfter: time.Hour,
	UnaccountedAfter: 2 * time.Hour, Interval: 5 * time.Minute, CanaryThreshold: 10, StartsPerSecond: 0.5, PauseAlarm: "alarm",
}

func getenv(env map[string]string) func(string) string {
	return func(k string) string { return env[k] }
}

func roundTrip[C any](t *testing.T, c C, env map[string]string, load func(func(string) string) (C, error)) {
	t.Helper()
	got, err := load(getenv(env))
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, %v, want %+v", got, err, c)
	}
}

func TestEveryConfigurationSurvivesTheEnvironment(t *testing.T) {
	rec := Record{EventLogBucket: "b", LedgerTable: "t", ResourceIDPath: "$.id", OwnerIDPath: "$.owner", MaxEventBytes: 256000}
	roundTrip(t, rec, rec.Env(), LoadRecord)
	pub := Publish{EventLogBucket: "b", LedgerTable: "t", TopicARN: "arn", StoreOutputs: true}
	roundTrip(t, pub, pub.Env(), LoadPublish)
	tra := Tracker{LedgerTable: "t", StateMachineARN: "arn", SeriesMachineARN: "series", ReplayQueueURL: "q"}
	roundTrip(t, tra, tra.Env(), LoadTracker)
	roundTrip(t, autoReplay, autoReplay.Env(), LoadAutoReplay)
	han := ReplayHandler{
		EventLogBucket: "b", LedgerTable: "t", ReplayQueueURL: "q", DeadLetterQueueURL: "d", ResourceIDPath: "$.id",
		OwnerIDPath: "$.owner", MaxEventBytes: 256000, StartsPerSecond: 30, Redrivable: true,
	}
	roundTrip(t, han, han.Env(), LoadReplayHandler)
	ser := ReplaySeries{
		EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "arn", ReplayQueueURL: "q", TopicARN: "topic",
		ResourceIDPath: "$.id", MaxEventBytes: 256000, StartsPerSecond: 30,
	}
	roundTrip(t, ser, ser.Env(), LoadReplaySeries)
	lis := ReplayListener{ReplaySeries: ser, SeriesMachineARN: "series", SupersedeOlder: true}
	roundTrip(t, lis, lis.Env(), LoadReplayListener)
	lis.StartsPerSecond, lis.RequestedStartsPerSecond = 12.5, 60
	roundTrip(t, lis, lis.Env(), LoadReplayListener)
	tel := Telemetry{Ingestion: "orders", LogLevel: slog.LevelWarn}
	roundTrip(t, tel, tel.Env(), LoadTelemetry)
}

func TestLoadNamesEveryFault(t *testing.T) {
	env := autoReplay.Env()
	env["AUTO_REPLAY"], env["MAX_ATTEMPTS"], env["BACKOFF_BASE"] = "yes", "0", "5"
	env["BACKOFF_RATE"], env["RETRY_ON"] = "NaN", "States.Timeout"
	delete(env, "LEDGER_TABLE")
	_, err := LoadAutoReplay(getenv(env))
	if err == nil {
		t.Fatal("a broken environment was accepted")
	}
	for _, want := range []string{
		`AUTO_REPLAY must be "true" or "false", got "yes"`, `MAX_ATTEMPTS must be a whole number above 0, got "0"`,
		`BACKOFF_BASE must be a duration`, `BACKOFF_RATE must be a number`, `RETRY_ON must be a JSON array`, `LEDGER_TABLE must be set, got ""`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestTheLevelOfLogLinesIsOneThatTheFunctionsWrite(t *testing.T) {
	_, err := LoadTelemetry(getenv(map[string]string{"INGESTION": "orders", "LOG_LEVEL": "TRACE"}))
	if err == nil || !strings.Contains(err.Error(), `LOG_LEVEL must be INFO, WARN or ERROR, got "TRACE"`) {
		t.Errorf("got %v", err)
	}
}
