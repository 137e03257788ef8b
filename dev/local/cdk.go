package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// deploy has the CDK CLI synthesize the app, bootstrap the emulator and deploy the stacks. It returns the directory of
// the cloud assembly. The app compiles while the emulator is bootstrapped: neither needs the other.
func (r *run) deploy(ctx context.Context) (assembly string, err error) {
	assembly = filepath.Join(r.stack.runDir, "cdk.out")
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if isAssembly(r.opts.App) {
			assembly = r.opts.App
			return nil
		}
		return r.timed("cdk synth", func() error { return r.synth(gctx, assembly) })
	})
	group.Go(func() error {
		return r.timed("cdk bootstrap", func() error {
			// In a directory without cdk.json, or the CLI would run the app once more.
			return r.cdk(gctx, "bootstrap", r.stack.runDir, "bootstrap", "aws://"+emulator.Account+"/"+emulator.Region)
		})
	})
	if err := group.Wait(); err != nil {
		return "", err
	}
	args := append([]string{"deploy"}, r.opts.stacks()...)
	args = append(args, "--app", assembly, "--outputs-file", r.outputsFile(), "--require-approval", "never",
		// With change sets, the emulator breaks after one deploy that changes nothing.
		"--method=direct", "--progress", "events", "--no-color")
	err = r.timed("cdk deploy", func() error { return r.cdk(ctx, "deploy", r.stack.runDir, args...) })
	return assembly, err
}

func (r *run) synth(ctx context.Context, out string) error {
	args := append([]string{"synth"}, r.opts.stacks()...)
	args = append(args, "--quiet", "--output", out)
	if r.opts.App != "" {
		args = append(args, "--app", r.opts.App)
	}
	values := map[string]string{"stage": "dev", "architecture": architecture()}
	maps.Copy(values, r.opts.Context)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		args = append(args, "--context", key+"="+values[key])
	}
	return r.cdk(ctx, "synth", r.tools.Root, args...)
}

func isAssembly(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "manifest.json"))
	return dir != "" && err == nil
}

func (r *run) outputsFile() string { return filepath.Join(r.stack.runDir, "outputs.json") }

// cdk runs the pinned CDK CLI on the pinned Node.js against the emulator, and nothing else: no credentials or profiles
// of the user are in its environment.
func (r *run) cdk(ctx context.Context, step, dir string, args ...string) error {
	path := filepath.Join(r.stack.LogDir, "cdk-"+step+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // below the run's log directory
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(filepath.Join(r.tools.NodeBin, "node"), append([]string{r.tools.CDK, "--no-notices"}, args...)...) //nolint:gosec // the pinned CLI
	cmd.Dir = dir
	cmd.Env = append(emulator.BareEnv(),
		// The app's jsii runtime takes the first node in PATH.
		"PATH="+r.tools.NodeBin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"AWS_ENDPOINT_URL="+r.stack.emulator.URL(),
		"CDK_DISABLE_VERSION_CHECK=true", "CDK_DISABLE_CLI_TELEMETRY=true", "CI=true")
	cmd.Stdout, cmd.Stderr = log, log
	if err := proc.Run(ctx, cmd); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("cdk %s: %w", step, err)
		}
		return fmt.Errorf("cdk %s: %w\n%s", step, err, tail(path))
	}
	return nil
}

// tail is the end of a log, for a message about a failure.
func tail(path string) string {
	const lines = 25
	b, err := os.ReadFile(path) //nolint:gosec // the log written just before
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// template is the part of a CloudFormation template that is read here.
type template struct {
	Resources map[string]resource `json:"Resources"`
}

type resource struct {
	Type       string          `json:"Type"`
	Properties json.RawMessage `json:"Properties"`
	Metadata   struct {
		Path string `json:"aws:cdk:path"`
	} `json:"Metadata"`
}

// assets is the part of an asset manifest that is read here.
type assets struct {
	Files map[string]struct {
		Source struct {
			Path string `json:"path"`
		} `json:"source"`
		Destinations map[string]struct {
			ObjectKey string `json:"objectKey"`
		} `json:"destinations"`
	} `json:"files"`
}

// directories maps the S3 keys of assets to their directories in the assembly.
func (a assets) directories(assembly string) map[string]string {
	dirs := map[string]string{}
	for _, f := range a.Files {
		for _, d := range f.Destinations {
			dirs[d.ObjectKey] = filepath.Join(assembly, f.Source.Path)
		}
	}
	return dirs
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path) //nolint:gosec // a file of the run
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return errors.Join(fmt.Errorf("read %s", path), err)
	}
	return nil
}
