package simtest

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/api"
	appautoreplay "github.com/ce873799/replayable-ingestion/internal/app/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	apppublish "github.com/ce873799/replayable-ingestion/internal/app/publish"
	apprecord "github.com/ce873799/replayable-ingestion/internal/app/record"
	"github.com/ce873799/replayable-ingestion/internal/app/replayhandler"
	"github.com/ce873799/replayable-ingestion/internal/app/replaylistener"
	apptracker "github.com/ce873799/replayable-ingestion/internal/app/tracker"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/aws/cloudwatch"
	"github.com/ce873799/replayable-ingestion/internal/aws/lambda"
	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sns"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Config is the configuration of the functions, without the names of the world's resources.
type Config struct {
	ResourceIDPath string
	OwnerIDPath    string
	MaxEventBytes  int
	AutoReplay     config.AutoReplay
	Transforms     map[string]string // ARNs of functions, by name
}

// Services are the AWS services that the functions call.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Queues sqs.API
	States sfn.API
	Topics sns.API
	Alarms cloudwatch.API
	Lambda lambda.API // the functions of Transforms
	Clocks
}

// Clocks of the functions, which may differ. nil: the machine's.
type Clocks struct {
	Now        func() time.Time // of the listener
	AutoReplay func() time.Time // of auto-replay
	Publish    func() time.Time // of the gate of Publish
	Republish  func() time.Time // of the gate of the listener
	Random     func() float64   // of auto-replay
}

// Functions are the handlers of an ingestion's functions.
type Functions struct {
	Recorder  *ingest.EventRecorder
	Publisher *ingest.Publisher
	Tracker   *outcome.Tracker
	Listener  *listener.Listener
	Binder    *listener.Listener // of the Series state machine
	API       *api.API
	Runner    *autoreplay.Runner
}

// Wire returns the functions of a world.
func Wire(cfg Config, services Services, telemetry boot.Telemetry) (f Functions, err error) {
	var errs [5]error
	f.Recorder, errs[0] = apprecord.New(config.Record{
		EventLogBucket: Bucket, LedgerTable: Table,
		ResourceIDPath: cfg.ResourceIDPath, OwnerIDPath: cfg.OwnerIDPath, MaxEventBytes: cfg.MaxEventBytes,
	}, services.Table, services.Bucket, telemetry)
	f.Publisher = apppublish.New(config.Publish{
		EventLogBucket: Bucket, LedgerTable: Table, TopicARN: Topic, StoreOutputs: true, SupersedeOlder: cfg.AutoReplay.SupersedeOlder,
	}, apppublish.Services{Table: services.Table, Bucket: services.Bucket, Topics: services.Topics, Now: services.Publish}, telemetry)
	f.Tracker = apptracker.New(config.Tracker{
		LedgerTable: Table, StateMachineARN: MachineARN, SeriesMachineARN: SeriesMachineARN, ReplayQueueURL: ReplaysURL,
	}, services.Table, services.Queues, telemetry)
	f.API, errs[4] = replayhandler.New(config.ReplayHandler{
		EventLogBucket: Bucket, LedgerTable: Table, ReplayQueueURL: ReplaysURL,
		ResourceIDPath: cfg.ResourceIDPath, OwnerIDPath: cfg.OwnerIDPath, MaxEventBytes: cfg.MaxEventBytes, Redrivable: true,
		Transforms: slices.Sorted(maps.Keys(cfg.Transforms)),
	}, services.Table, services.Bucket, services.Queues, telemetry)
	replays := replaylistener.Services{
		Table: services.Table, Bucket: services.Bucket, Queues: services.Queues, States: services.States, Topics: services.Topics,
		Functions: services.Lambda, Now: services.Now, GateNow: services.Republish,
	}
	f.Listener, errs[1] = replaylistener.New(ListenerConfig(cfg), replays, telemetry)
	f.Binder, errs[2] = replaylistener.NewSeries(ListenerConfig(cfg).ReplaySeries, replays, telemetry)
	f.Runner, errs[3] = WireRunner(cfg, services, telemetry)
	return f, errors.Join(errs[:]...)
}

// ListenerConfig is the configuration of the listener.
func ListenerConfig(cfg Config) config.ReplayListener {
	return config.ReplayListener{
		ReplaySeries: config.ReplaySeries{
			EventLogBucket: Bucket, LedgerTable: Table, StateMachineARN: MachineARN, ReplayQueueURL: ReplaysURL,
			TopicARN: Topic, ResourceIDPath: cfg.ResourceIDPath, MaxEventBytes: cfg.MaxEventBytes, Transforms: cfg.Transforms,
		},
		SeriesMachineARN: SeriesMachineARN, SupersedeOlder: cfg.AutoReplay.SupersedeOlder,
	}
}

// WireRunner returns the runner of auto-replay alone.
func WireRunner(cfg Config, services Services, telemetry boot.Telemetry) (*autoreplay.Runner, error) {
	auto := cfg.AutoReplay
	auto.EventLogBucket, auto.LedgerTable = Bucket, Table
	auto.StateMachineARN, auto.SeriesMachineARN = MachineARN, SeriesMachineARN
	auto.DeadLetterQueueURL, auto.ReplayQueueURL = DeadURL, ReplaysURL
	auto.ResourceIDPath, auto.OwnerIDPath = cfg.ResourceIDPath, cfg.OwnerIDPath
	return appautoreplay.New(auto, appautoreplay.Services{
		Table: services.Table, Bucket: services.Bucket, Queues: services.Queues, States: services.States, Alarms: services.Alarms,
		Now: services.AutoReplay, Random: services.Random,
	}, telemetry)
}
