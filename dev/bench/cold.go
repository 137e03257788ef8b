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

// environments are those of the functions: what they read before they ask for an event.
var environments = map[string]map[string]string{
	"Record":        config.Record{EventLogBucket: "b", LedgerTable: "t", ResourceIDPath: "$.listing.id", OwnerIDPath: "$.listing.agencyId", MaxEventBytes: 256_000}.Env(),
	"Publish":       config.Publish{EventLogBucket: "b", LedgerTable: "t", TopicARN: "a", StoreOutputs: true, SupersedeOlder: true}.Env(),
	"Tracker":       config.Tracker{LedgerTable: "t", StateMachineARN: "m", SeriesMachineARN: "s", ReplayQueueURL: "q"}.Env(),
	"ReplayHandler": config.ReplayHandler{EventLogBucket: "b", LedgerTable: "t", ReplayQueueURL: "q"}.Env(),
	"ReplayListener": config.ReplayListener{EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "m", SeriesMachineARN: "s",
		ReplayQueueURL: "q", TopicARN: "a", ResourceIDPath: "$.listing.id", MaxEventBytes: 256_000}.Env(),
	"Series": config.ReplaySeries{EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "m", ReplayQueueURL: "q", TopicARN: "a",
		ResourceIDPath: "$.listing.id", MaxEventBytes: 256_000}.Env(),
	"AutoReplay": config.AutoReplay{Enabled: true, EventLogBucket: "b", LedgerTable: "t", StateMachineARN: "m", SeriesMachineARN: "s",
		DeadLetterQueueURL: "d", ReplayQueueURL: "q", ResourceIDPath: "$.listing.id", MaxAttempts: 3, BackoffBase: time.Minute,
		BackoffRate: 2, MaxBackoff: time.Hour, MaxAge: 24 * time.Hour, SettleAfter: time.Hour, UnaccountedAfter: time.Hour,
		Interval: 5 * time.Minute, CanaryThreshold: 10, StartsPerSecond: 30}.Env(),
}

//go:embed node/package.json node/package-lock.json node/npmrc node/function.mjs
var node embed.FS

// nodeFunction installs the function that the cold starts are compared with, and returns how it is started.
func (r *run) nodeFunction(ctx context.Context) ([]string, error) {
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
	for from, to := range map[string]string{"package.json": "", "package-lock.json": "", "function.mjs": "", "npmrc": ".npmrc"} {
		body, err := node.ReadFile("node/" + from)
		if err != nil {
			return nil, fmt.Errorf("read embedded files: %w", err)
		}
		if to == "" {
			to = from
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

const (
	hello      = "hello world"
	nodeClient = "Node.js"
)

// started is what starts of one program took.
type started struct {
	ms     []float64
	memory []int64
}

// cold times how long each function takes from exec until it asks for its first event. The programs take turns.
func (r *run) cold(ctx context.Context) ([]Row, error) {
	programs, err := r.functions(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := r.temp()
	if err != nil {
		return nil, err
	}
	smallest := filepath.Join(dir, "hello")
	if err := r.command(ctx, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", smallest, "./dev/bench/hello"); err != nil {
		return nil, err
	}
	argv := map[string][]string{hello: {smallest}}
	if argv[nodeClient], err = r.nodeFunction(ctx); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(programs))
	for _, name := range names {
		argv[name] = []string{programs[name]}
	}
	took := map[string]*started{}
	for n := range r.Sizes.Starts + 1 {
		for name, args := range argv { // in another order each time
			s, err := start(ctx, args, environments[name])
			if err != nil {
				return nil, fmt.Errorf("start %s: %w", name, err)
			}
			if took[name] == nil {
				took[name] = &started{}
			}
			if n > 0 { // the first one reads the program from the disk
				took[name].ms, took[name].memory = append(took[name].ms, s.ms...), append(took[name].memory, s.memory...)
			}
		}
	}
	least1, most1 := median(took[hello].ms), median(took[nodeClient].ms)
	rows := []Row{list("Cold start of "+hello, least1, "ms"), list("Cold start of "+nodeClient+" with the same clients", most1, "ms")}
	for _, name := range names {
		ms := median(took[name].ms)
		_, zipped, err := pack(filepath.Dir(programs[name]))
		if err != nil {
			return nil, err
		}
		rows = append(rows,
			most("Cold start of "+name+", of hello world", ms/least1, ratio, 4),
			least("Cold start of Node.js, of "+name, most1/ms, times, 20),
			most("Memory after start of "+name, float64(median(took[name].memory))/1e6, "MB", 20),
			most("Zip file of "+name, float64(zipped)/1e6, "MB", 5))
	}
	return rows, nil
}

// withTelemetry adds what every function has in its environment.
func withTelemetry(env map[string]string) map[string]string {
	all := config.Telemetry{Ingestion: "Stack/Ingestion"}.Env()
	maps.Copy(all, env)
	return all
}

func start(ctx context.Context, argv []string, env map[string]string) (s started, err error) {
	p, err := process.Start(ctx, argv, withTelemetry(env))
	if err != nil {
		return s, err
	}
	defer p.Stop()
	now, _, err := p.Memory()
	return started{ms: []float64{float64(p.Ready) / 1e6}, memory: []int64{now}}, err
}
