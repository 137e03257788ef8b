package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// apps are the programs whose synthesis is measured, as in cdk.json.
var apps = map[string]string{"example": "go run .", "bare": "go run ./dev/bench/bare"}

// synth times the synthesis of all stages of the example, and of a bare app. The first synthesis of each fills the
// caches.
func (r *run) synth(ctx context.Context) ([]Row, error) {
	dir, err := r.temp()
	if err != nil {
		return nil, err
	}
	took := map[string][]float64{}
	for n := range r.Sizes.Synths + 1 {
		for _, app := range []string{"example", "bare"} {
			out := filepath.Join(dir, fmt.Sprintf("%s-%d", app, n))
			began, before := time.Now(), childrenCPUTime()
			if err := r.synthesize(ctx, apps[app], out); err != nil {
				return nil, err
			}
			used := (childrenCPUTime() - before).Seconds()
			if n > 0 {
				took[app] = append(took[app], used)
			}
			r.say("synth of the %s app: %.1f s of CPU time, %.1f s in all", app, used, time.Since(began).Seconds())
			if app == "example" {
				r.assembly = out
			}
		}
	}
	example, bare := median(took["example"]), median(took["bare"])
	return []Row{
		most("Synth of all stages, of a bare app with a bucket per stage", example/bare, ratio, 2.5),
		list("Synth of all stages: processor time", example, "s"),
	}, nil
}

// childrenCPUTime is the CPU time of ended child processes and their children.
func childrenCPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		panic(err) // its arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// synthesize has the pinned CDK CLI run an app.
func (r *run) synthesize(ctx context.Context, app, out string) error {
	return r.command(ctx, []string{"CDK_DISABLE_VERSION_CHECK=true", "CDK_DISABLE_CLI_TELEMETRY=true", "CI=true"},
		filepath.Join(r.Tools.NodeBin, "node"), r.Tools.CDK, "--no-notices", "synth", "--quiet", "--app", app,
		"--output", out, "--context", "architecture="+local.Architecture()) // the functions run on this machine
}

// command runs a program in the checkout, with the pinned Node.js.
func (r *run) command(ctx context.Context, env []string, argv ...string) error {
	var said strings.Builder
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // the arguments are this package's
	cmd.Dir = r.Tools.Root
	cmd.Env = append(os.Environ(), "PATH="+r.Tools.NodeBin+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := proc.Run(ctx, cmd); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, said.String())
	}
	return nil
}

// stack is what is read of a synthesized stack.
type stack struct {
	Resources map[string]struct {
		Type       string `json:"Type"`
		Properties struct {
			Code struct {
				S3Key string `json:"S3Key"`
			} `json:"Code"`
			Environment struct {
				Variables map[string]any `json:"Variables"` // a string, or what CloudFormation puts in its place
			} `json:"Environment"`
		} `json:"Properties"`
		Metadata struct {
			Path string `json:"aws:cdk:path"`
		} `json:"Metadata"`
	} `json:"Resources"`
}

// program is a function as it is deployed.
type program struct {
	argv []string
	env  map[string]string
}

// functions are the ingestion's functions, by short name. What CloudFormation puts into their environment is unknown
// here, and has a placeholder.
func (r *run) functions(ctx context.Context) (map[string]program, error) {
	if r.assembly == "" { // the part that synthesizes has not run
		dir, err := r.temp()
		if err != nil {
			return nil, err
		}
		r.assembly = filepath.Join(dir, "assembly")
		if err := r.synthesize(ctx, apps["example"], r.assembly); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(r.assembly, "listings-dev.template.json")
	text, err := os.ReadFile(path) //nolint:gosec // of the assembly
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	var template stack
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, fmt.Errorf("read template %s: %w", path, err)
	}
	programs := map[string]program{}
	for _, res := range template.Resources {
		id, own := strings.CutPrefix(res.Metadata.Path, "listings-dev/Listings/")
		id, function := strings.CutSuffix(id, "Function/Resource")
		if own && function && res.Type == "AWS::Lambda::Function" {
			dir := "asset." + strings.TrimSuffix(res.Properties.Code.S3Key, ".zip")
			p := program{argv: []string{filepath.Join(r.assembly, dir, "bootstrap")}, env: map[string]string{}}
			for name, value := range res.Properties.Environment.Variables {
				text, known := value.(string)
				if !known {
					text = "placeholder"
				}
				p.env[name] = text
			}
			programs[id] = p
		}
	}
	return programs, nil
}
