package bench

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/process"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

const nodeFunction = "Node.js"

// environments are the environment variables of the functions, which read them before they ask for an event.
var environments = map[string]map[string]string{
	"Record": config.Record{
		EventLogBucket: "b", LedgerTable: "t", ResourceIDPath: "$.listing.id", OwnerIDPath: "$.listing.agencyId",
		MaxEventBytes: 256_000,
	}.Env(),
	"Publish": config.Publish{
		EventLogBucket: "b", LedgerTable: "t", TopicARN: "a", StoreOutputs: true, SupersedeOlder: true,
	}.Env(),
	"Tracker": config.Tracker{
		LedgerTable: "t", StateMachineARN: "m", SeriesMachineARN: "s", ReplayQueueURL: "q",
	}.Env(),
	"ReplayHandler": config.ReplayHandler{
		EventLogBucket: "b", LedgerTable: "t", ReplayQueueURL: "q", DeadLetterQueueURL: "d", StartsPerSecond: 30,
		ResourceIDPath: "$.listing.id", OwnerIDPath: "$.listing.agencyId", MaxEventBytes: 256_000, Redrivable: true,
	}.Env(),
	"ReplayListener": config.ReplayListener{
		EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "m", SeriesMachineARN: "s", ReplayQueueURL: "q",
		TopicARN: "a", ResourceIDPath: "$.listing.id", MaxEventBytes: 256_000,
	}.Env(),
	"Series": config.ReplaySeries{
		EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "m", ReplayQueueURL: "q", TopicARN: "a",
		ResourceIDPath: "$.listing.id", MaxEventBytes: 256_000,
	}.Env(),
	"AutoReplay": config.AutoReplay{
		Enabled: true, EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "m", SeriesMachineARN: "s",
		DeadLetterQueueURL: "d", ReplayQueueURL: "q", ResourceIDPath: "$.listing.id", MaxAttempts: 3,
		BackoffBase: time.Minute, BackoffRate: 2, MaxBackoff: time.Hour, MaxAge: 24 * time.Hour,
		SettleAfter: time.Hour, UnaccountedAfter: time.Hour, Interval: 5 * time.Minute, CanaryThreshold: 10,
		StartsPerSecond: 30,
	}.Env(),
}

//go:embed node/package.json node/package-lock.json node/npmrc node/function.mjs
var node embed.FS

// installNode installs the Node.js function that cold starts are compared with, and returns the command that starts it.
func (r *run) installNode(ctx context.Context) ([]string, error) {
	dir := filepath.Join(r.Tools.Root, "build", "bench-node")
	lock, err := node.ReadFile("node/package-lock.json")
	if err != nil {
		return nil, fmt.Errorf("read embedded files: %w", err)
	}
	argv := []string{filepath.Join(r.Tools.NodeBin, "node"), filepath.Join(dir, "function.mjs")}
	stamp := filepath.Join(dir, ".stamp")
	if got, err := os.ReadFile(stamp); err == nil && string(got) == string(lock) { //nolint:gosec // below build
		return argv, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("install the Node.js function: %w", err)
	}
	for from, to := range map[string]string{
		"package.json": "package.json", "package-lock.json": "package-lock.json", "function.mjs": "function.mjs",
		"npmrc": ".npmrc",
	} {
		body, err := node.ReadFile("node/" + from)
		if err != nil {
			return nil, fmt.Errorf("read embedded files: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), body, 0o600); err != nil {
			return nil, fmt.Errorf("install the Node.js function: %w", err)
		}
	}
	r.say("installing the Node.js function that cold starts are compared with")
	if err := r.command(ctx, nil, "npm", "ci", "--no-progress", "--prefix", dir); err != nil {
		return nil, err
	}
	return argv, os.WriteFile(stamp, lock, 0o600)
}

// cold times how long each function takes from exec until it asks for its first event. The programs take turns.
func (r *run) cold(ctx context.Context) ([]Row, error) {
	programs, err := r.functions(ctx)
	if err != nil {
		return nil, err
	}
	argv := map[string][]string{}
	for name, program := range programs {
		argv[name] = []string{program}
	}
	if argv[nodeFunction], err = r.installNode(ctx); err != nil {
		return nil, err
	}
	took := map[string][]float64{} // milliseconds
	for n := range r.Sizes.Starts + 1 {
		for name, args := range argv { // the order differs each time
			ready, err := start(ctx, args, environments[name])
			if err != nil {
				return nil, fmt.Errorf("start %s: %w", name, err)
			}
			if n > 0 { // the first start reads the program from disk
				took[name] = append(took[name], float64(ready)/1e6)
			}
		}
	}
	compared := median(took[nodeFunction])
	rows := []Row{list("Cold start of Node.js with the same clients", compared, "ms")}
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		ms := median(took[name])
		rows = append(rows,
			list("Cold start of "+name, ms, "ms"),
			most("Cold start of "+name+", of Node.js", 100*ms/compared, percent, 5))
	}
	return rows, nil
}

// withTelemetry adds what every function has in its environment.
func withTelemetry(env map[string]string) map[string]string {
	all := config.Telemetry{Ingestion: "Stack/Ingestion"}.Env()
	maps.Copy(all, env)
	return all
}

func start(ctx context.Context, argv []string, env map[string]string) (ready time.Duration, err error) {
	p, err := process.Start(ctx, argv, withTelemetry(env))
	if err != nil {
		return 0, err
	}
	defer p.Stop()
	return p.Ready, nil
}
