package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// synthesize has the CDK CLI synthesize the app. The first time, the CLI bootstraps the emulator meanwhile, because neither
// depends on the other.
func (r *run) synthesize(ctx context.Context) error {
	if r.bootstrapped {
		return r.synth(ctx)
	}
	var group errgroup.Group // neither ends the other: what is bootstrapped in part cannot be bootstrapped again
	group.Go(func() error { return r.synth(ctx) })
	group.Go(func() error {
		err := r.timed("cdk bootstrap", func() error {
			// The directory has no cdk.json, or the CLI would run the app again.
			return r.cdk(ctx, "bootstrap", r.stack.runDir, "bootstrap", "aws://"+emulator.Account+"/"+emulator.Region)
		})
		r.bootstrapped = err == nil
		return err
	})
	return group.Wait()
}

func (r *run) deployAssembly(ctx context.Context) error {
	if err := r.warnOfStandIns(); err != nil {
		return err
	}
	args := append([]string{"deploy"}, r.opts.stacks()...)
	args = append(args, "--app", r.assembly, "--outputs-file", r.outputsFile(), "--require-approval", "never",
		// With change sets, the emulator breaks after a deployment without changes.
		"--method=direct", "--progress", "events", "--no-color")
	return r.timed("cdk deploy", func() error { return r.cdk(ctx, "deploy", r.stack.runDir, args...) })
}

func (r *run) synth(ctx context.Context) error {
	if r.assembly == r.opts.App {
		return nil
	}
	args := append([]string{"synth"}, r.opts.stacks()...)
	args = append(args, "--quiet", "--output", r.assembly)
	if r.opts.App != "" {
		args = append(args, "--app", r.opts.App)
	}
	values := map[string]string{}
	if r.opts.Home == nil {
		values["stage"], values["architecture"] = "dev", Architecture()
	}
	maps.Copy(values, r.opts.Context)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		args = append(args, "--context", key+"="+values[key])
	}
	if r.opts.Home != nil && r.deployed == "" {
		r.say("the app and its functions are compiled; the first time takes minutes")
	}
	return r.timed("cdk synth", func() error { return r.cdk(ctx, "synth", r.home.App, args...) })
}

func isAssembly(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "manifest.json"))
	return dir != "" && err == nil
}

// assemblyStack is a stack of the app.
type assemblyStack struct {
	name             string
	template, assets string // files
	dir              string // of its assembly
}

// stacksOf lists the stacks of an assembly and of its nested assemblies. Each stage is one.
func stacksOf(assembly string) (all []assemblyStack, err error) {
	var manifest struct {
		Artifacts map[string]struct {
			Type       string
			Properties struct {
				StackName, TemplateFile string // of a stack
				DirectoryName           string // of an assembly
			}
		}
	}
	if err := readJSON(filepath.Join(assembly, "manifest.json"), &manifest); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(manifest.Artifacts)) {
		a := manifest.Artifacts[id]
		switch a.Type {
		case "aws:cloudformation:stack":
			all = append(all, assemblyStack{
				name: cmp.Or(a.Properties.StackName, id), dir: assembly, template: filepath.Join(assembly, a.Properties.TemplateFile),
				assets: filepath.Join(assembly, id+".assets.json"),
			})
		case "cdk:cloud-assembly":
			nested, err := stacksOf(filepath.Join(assembly, a.Properties.DirectoryName))
			if err != nil {
				return nil, err
			}
			all = append(all, nested...)
		}
	}
	return all, nil
}

// deployedStacks are the app's stacks on the emulator: the selected ones and their dependencies. The first one that was
// named comes first.
func (r *run) deployedStacks(ctx context.Context) ([]assemblyStack, error) {
	all, err := stacksOf(r.assembly)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	pages := cloudformation.NewDescribeStacksPaginator(cloudformation.NewFromConfig(r.stack.Config()), &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list stacks: %w", err)
		}
		for _, s := range page.Stacks {
			there[aws.ToString(s.StackName)] = true
		}
	}
	all = slices.DeleteFunc(all, func(s assemblyStack) bool { return !there[s.name] })
	if len(all) == 0 {
		return nil, errors.New("the app has no stack that was deployed")
	}
	rank := func(s assemblyStack) int {
		if s.name == r.opts.stacks()[0] {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b assemblyStack) int { return rank(a) - rank(b) })
	return all, nil
}

func (r *run) outputsFile() string { return filepath.Join(r.stack.runDir, "outputs.json") }

// cdk runs the CDK CLI against the emulator only. Its environment has no credentials or profiles of the user.
func (r *run) cdk(ctx context.Context, step, dir string, args ...string) error {
	path := filepath.Join(r.stack.LogDir, "cdk-"+step+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // below the run's log directory
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	env, err := r.appEnv() // the app's jsii runtime takes the first node in PATH
	if err != nil {
		return err
	}
	tools := r.home.Tools
	cmd := exec.Command(filepath.Join(tools.NodeBin, "node"), append([]string{tools.CDK, "--no-notices"}, args...)...) //nolint:gosec // the pinned CLI
	cmd.Dir = dir
	cmd.Env = append(env, "AWS_ENDPOINT_URL="+r.stack.emulator.URL(), "CDK_HOME="+filepath.Join(r.stack.runDir, "cdk-home"),
		"NODE_NO_WARNINGS=1", "CDK_DISABLE_VERSION_CHECK=true", "CDK_DISABLE_CLI_TELEMETRY=true", "CI=true")
	cmd.Stdout, cmd.Stderr = log, log
	info, err := log.Stat()
	if err != nil {
		return err
	}
	if err := proc.Run(ctx, cmd); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("cdk %s: %w", step, err)
		}
		return fmt.Errorf("cdk %s failed (%w):\n%s", step, err, causeIn(path, info.Size()))
	}
	return nil
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
