// Package local runs the real stack on this machine. It starts the emulator, deploys the app to it with the CDK CLI,
// hosts the deployed functions, and compensates for gaps of the emulator. The demo, `make local` and the end-to-end
// tests share it. The construct and its functions do not know about it.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ce873799/replayable-ingestion/dev/bridge"
	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// DefaultStack is the stack that is deployed unless Options name others.
const DefaultStack = "listings-dev"

const defaultProcesses = 8

// Options change what is deployed and how. The zero value deploys the dev stage of the example.
type Options struct {
	// Dir is a directory of the checkout. Default: the current one.
	Dir string
	// Home locates an app outside of the checkout. Default: the checkout that holds Dir.
	Home *Home
	// App is the command that synthesizes, or the directory of a cloud assembly. Default: the app of cdk.json.
	App string
	// Stacks are the stacks to deploy. Default: DefaultStack; with a Home, all stacks of the app.
	Stacks []string
	// Context is given to the app; without a Home, besides the stage (dev) and this machine's architecture.
	Context map[string]string
	// Env overrides environment variables of functions, by short name.
	Env map[string]map[string]string
	// Timeouts overrides the time limits of functions, by short name.
	Timeouts map[string]time.Duration
	// FunctionEndpoint returns the endpoint that only the functions use instead of the emulator's, such as a proxy that
	// injects faults. Default: the emulator's.
	FunctionEndpoint func(emulatorURL string) (string, error)
	// MaxProcesses is how many events a function handles at once. Default: 8.
	MaxProcesses int
	// AutoReplayInterval replaces the interval of the schedules that run auto-replay, which a person would wait for. Seconds
	// will do. Default: that of the app.
	AutoReplayInterval time.Duration
	// Progress gets a line per step. May be nil.
	Progress io.Writer
}

// Stack is a running stack. Its JSON form is build/local.json.
type Stack struct {
	Result

	Host    *lambdahost.Host `json:"-"` // of the functions, by short name
	Bridge  *bridge.Bridge   `json:"-"`
	Timings []Timing         `json:"-"`
	LogDir  string           `json:"logDir"` // runner.log, emulator.log, cdk-*.log and <function>.log

	// Outputs are the outputs of the deployed stacks, by stack and output.
	Outputs map[string]map[string]string `json:"-"`
	// Templates are the templates of the deployed stacks, as JSON.
	Templates map[string][]byte `json:"-"`

	run      *run
	emulator *emulator.Emulator
	runDir   string
	log      *os.File // runner.log
	stop     sync.Once
}

// Timing is how long a step of the start took. Synthesis and bootstrap overlap.
type Timing struct {
	Step string
	Took time.Duration
}

// Start starts the stack. When it returns an error, nothing is left running. The stack outlives ctx, so call Stop.
func Start(ctx context.Context, opts Options) (*Stack, error) {
	s, err := Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := s.Deploy(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Open starts the emulator, and deploys nothing. When it returns an error, nothing is left running.
func Open(ctx context.Context, opts Options) (*Stack, error) {
	home := opts.Home
	if home == nil {
		tools, err := toolchain.Find(opts.dir())
		if err != nil {
			return nil, err
		}
		home = checkout(tools)
	}
	r, err := newRun(*home, opts)
	if err != nil {
		return nil, err
	}
	if err := r.startEmulator(ctx); err != nil {
		r.stack.Stop()
		return nil, r.withLogs(err)
	}
	return r.stack, nil
}

// Deploy deploys the app, and restarts the functions that changed. When it returns an error, an earlier deployment continues
// to run, as far as the new one has not changed it.
func (s *Stack) Deploy(ctx context.Context) error {
	r := s.run
	if err := r.synthesize(ctx); err != nil {
		return r.withLogs(err)
	}
	return r.withLogs(r.deploy(ctx))
}

// DeployChanges synthesizes the app, and deploys it only if that gives something else than what is deployed.
func (s *Stack) DeployChanges(ctx context.Context) (changed bool, err error) {
	r := s.run
	if err := r.synthesize(ctx); err != nil {
		return false, r.withLogs(err)
	}
	digest, err := digestOf(r.assembly)
	if err != nil || digest == r.deployed {
		return false, err
	}
	return true, r.withLogs(r.deploy(ctx))
}

// Stop ends everything and removes the run's directory, but keeps the logs. Further calls do nothing.
func (s *Stack) Stop() {
	s.stop.Do(func() {
		if s.Bridge != nil {
			s.Bridge.Stop()
		}
		if s.Host != nil {
			s.Host.Stop()
		}
		if s.emulator != nil {
			s.emulator.Stop()
		}
		_ = s.log.Close()          // unbuffered
		_ = os.RemoveAll(s.runDir) // `make clean` removes what is left
	})
}

// Done is closed when the emulator has ended, whether or not Stop was called.
func (s *Stack) Done() <-chan struct{} { return s.emulator.Done() }

// System returns clients of the first stack's parts.
func (s *Stack) System() (*observe.System, error) {
	return observe.New(s.Config(), s.emulator.ObserverConfig(), s.Stack)
}

// Assembly is the directory of the cloud assembly that is deployed. Stop removes it, unless Options.App named it. It is the App of
// further stacks that are to be the same.
func (s *Stack) Assembly() string { return s.run.assembly }

// Config is for the SDK's clients.
func (s *Stack) Config() aws.Config { return s.emulator.Config() }

// note writes events of the running stack to the log.
func (s *Stack) note(format string, args ...any) {
	_, _ = fmt.Fprintf(s.log, time.Now().Format(time.RFC3339)+" "+format+"\n", args...)
}

// Output returns an output of the deployed stacks.
func (s *Stack) Output(stack, name string) (string, error) {
	v, ok := s.Outputs[stack][name]
	if !ok {
		return "", fmt.Errorf("stack %s has no output %s", stack, name)
	}
	return v, nil
}

func (o Options) dir() string {
	if o.Dir == "" {
		return "."
	}
	return o.Dir
}

// stacks selects the stacks to deploy, as arguments of the CDK CLI.
func (o Options) stacks() []string {
	switch {
	case len(o.Stacks) > 0:
		return o.Stacks
	case o.Home == nil:
		return []string{DefaultStack}
	}
	return []string{"**"}
}

func (o Options) functionEndpoint(emulatorURL string) (string, error) {
	if o.FunctionEndpoint == nil {
		return emulatorURL, nil
	}
	return o.FunctionEndpoint(emulatorURL)
}

func (o Options) processes() int {
	if o.MaxProcesses <= 0 {
		return defaultProcesses
	}
	return o.MaxProcesses
}

// run is one start.
type run struct {
	opts     Options
	home     Home
	stack    *Stack
	assembly string // directory of the cloud assembly

	bootstrapped bool
	deployed     string // digest of the assembly that is deployed; empty if that failed
	standIns     string // the last warning

	mu sync.Mutex // guards the timings and the progress: two steps run at once
}

// newRun creates the directories of a run. No other run uses them.
func newRun(home Home, opts Options) (*run, error) {
	if err := errors.Join(os.MkdirAll(home.Runs, 0o750), os.MkdirAll(home.Logs, 0o750)); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(home.Runs, "run-")
	if err != nil {
		return nil, err
	}
	logs := filepath.Join(home.Logs, filepath.Base(dir))
	if err := os.Mkdir(logs, 0o750); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	log, err := os.OpenFile(filepath.Join(logs, "runner.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // below build/logs
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r := &run{opts: opts, home: home, stack: &Stack{LogDir: logs, runDir: dir, log: log}, assembly: filepath.Join(dir, "cdk.out")}
	if isAssembly(opts.App) {
		r.assembly = opts.App
	}
	r.stack.run = r
	return r, nil
}

func (r *run) startEmulator(ctx context.Context) error {
	return r.timed("emulator", func() (err error) {
		r.stack.emulator, err = emulator.Start(ctx, emulator.Options{Tools: r.home.Tools, Dir: r.stack.runDir, LogDir: r.stack.LogDir})
		return err
	})
}

// deploy deploys the assembly.
func (r *run) deploy(ctx context.Context) error {
	digest, err := digestOf(r.assembly)
	if err != nil {
		return err
	}
	r.deployed = "" // until it is complete
	if err := r.deployAssembly(ctx); err != nil {
		return err
	}
	if err := r.timed("functions and bridge", func() error { return r.complete(ctx) }); err != nil {
		return err
	}
	r.deployed = digest
	return nil
}

func (r *run) withLogs(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\nlogs: %s", err, r.relative(r.stack.LogDir))
}

// complete turns the deployed stacks into a working system and describes it.
func (r *run) complete(ctx context.Context) error {
	stacks, err := r.deployedStacks(ctx)
	if err != nil {
		return err
	}
	d, err := readDeployed(ctx, r.stack.Config(), stacks)
	if err != nil {
		return err
	}
	if err := r.hostFunctions(ctx, d); err != nil {
		return err
	}
	if err := applyRedrive(ctx, r.stack.Config(), d); err != nil {
		return err
	}
	if err := verify(ctx, r.stack.Config(), d); err != nil {
		return err
	}
	r.stack.Outputs, r.stack.Templates = d.outputs, d.templates
	if r.opts.AutoReplayInterval > 0 {
		every := fmt.Sprintf("rate(%.0f seconds)", r.opts.AutoReplayInterval.Seconds())
		if _, err := r.stack.ScheduleAutoReplay(ctx, every); err != nil {
			return err
		}
	}
	if err := r.connectBridge(d); err != nil {
		return err
	}
	r.stack.Result = newResult(r.stack.emulator.URL(), d, stacks[0].name)
	return nil
}

// Architecture is the architecture of this machine, in Lambda's terms, because the functions run here.
func Architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}
