package bench

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// apps are the programs whose synthesis is measured, as in cdk.json.
var apps = map[string]string{"example": "go run .", "bare": "go run ./dev/bench/bare"}

// synth times the synthesis of all stages of the example, and of a bare app. The first one of each fills the caches.
func (r *run) synth(ctx context.Context) ([]Row, error) {
	dir, err := r.temp()
	if err != nil {
		return nil, err
	}
	took := map[string][]float64{}
	for n := range r.Sizes.Synths + 1 {
		for _, app := range []string{"example", "bare"} {
			out := filepath.Join(dir, fmt.Sprintf("%s-%d", app, n))
			began, before := time.Now(), descendants()
			if err := r.synthesize(ctx, apps[app], out); err != nil {
				return nil, err
			}
			used := (descendants() - before).Seconds()
			if n > 0 {
				took[app] = append(took[app], used)
			}
			r.say("synth of the %s app: %.1f s of the processor, %.1f s in all", app, used, time.Since(began).Seconds())
			if app == "example" {
				r.assembly = out
			}
		}
	}
	rows := []Row{
		most("Synth of all stages, of a bare app with a bucket per stage", median(took["example"])/median(took["bare"]), ratio, 2.5),
		list("Synth of all stages: processor time", median(took["example"]), "s"),
	}
	for _, app := range []string{"example", "bare"} {
		u, err := r.profile(ctx, apps[app])
		if err != nil {
			return nil, err
		}
		rows = append(rows,
			list("Synth of the "+app+" app: CDK's process, to create constructs", u.Created, "s"),
			list("Synth of the "+app+" app: CDK's process, to synthesize and check templates", u.Synthesized, "s"))
	}
	return rows, nil
}

// usage is what CDK's process took of the processor, in seconds.
type usage struct {
	Created     float64 `json:"created"`
	Synthesized float64 `json:"synthesized"`
}

// profile synthesizes once more and tells what CDK's process took for what.
func (r *run) profile(ctx context.Context, app string) (u usage, err error) {
	dir, err := r.temp()
	if err != nil {
		return u, err
	}
	file, hook := filepath.Join(dir, "usage.json"), filepath.Join(r.Tools.Root, "dev", "bench", "node", "usage.cjs")
	if err := r.synthesize(ctx, app, filepath.Join(dir, "cdk.out"), "NODE_OPTIONS=--require "+hook, "BENCH_USAGE="+file); err != nil {
		return u, err
	}
	text, err := os.ReadFile(file) //nolint:gosec // written above
	if err != nil {
		return u, fmt.Errorf("read usage: %w", err)
	}
	if err := json.Unmarshal(text, &u); err != nil {
		return u, fmt.Errorf("read usage: %w", err)
	}
	return u, nil
}

// descendants is the time that ended children of this process, and theirs, have had of the processor.
func descendants() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		panic(err) // its arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// synthesize has the pinned CDK CLI run an app.
func (r *run) synthesize(ctx context.Context, app, out string, env ...string) error {
	return r.command(ctx, append(env, "CDK_DISABLE_VERSION_CHECK=true", "CDK_DISABLE_CLI_TELEMETRY=true", "CI=true"),
		filepath.Join(r.Tools.NodeBin, "node"), r.Tools.CDK, "--no-notices", "synth", "--quiet", "--app", app, "--output", out,
		"--context", "architecture="+architecture()) // the functions are started here
}

func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
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
		} `json:"Properties"`
		Metadata struct {
			Path string `json:"aws:cdk:path"`
		} `json:"Metadata"`
	} `json:"Resources"`
}

// manifest is what is read of a stack's assets.
type manifest struct {
	Files map[string]struct {
		Source struct {
			Path string `json:"path"`
		} `json:"source"`
	} `json:"files"`
}

// assets counts what a deployment creates and uploads.
func (r *run) assets(ctx context.Context) ([]Row, error) {
	if err := r.assemble(ctx); err != nil {
		return nil, err
	}
	var template stack
	if err := readJSON(filepath.Join(r.assembly, "listings-prod.template.json"), &template); err != nil {
		return nil, err
	}
	own := 0
	for _, res := range template.Resources {
		if strings.HasPrefix(res.Metadata.Path, "listings-prod/Listings/") {
			own++
		}
	}
	contents, size := map[string]string{}, int64(0)
	var twice []string
	manifests, err := filepath.Glob(filepath.Join(r.assembly, "*.assets.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range manifests {
		var m manifest
		if err := readJSON(file, &m); err != nil {
			return nil, err
		}
		for id, f := range m.Files {
			sum, zipped, err := pack(filepath.Join(r.assembly, f.Source.Path))
			if err != nil {
				return nil, err
			}
			known, again := contents[sum]
			if again && known != id {
				twice = append(twice, f.Source.Path)
			}
			if contents[sum] = id; !again {
				size += zipped
			}
		}
	}
	if len(twice) > 0 {
		r.say("uploaded twice: %s", strings.Join(twice, ", "))
	}
	return []Row{
		list("Resources per instance", float64(own), "resources"),
		list("Assets of all stages, zipped", float64(size)/1e6, "MB"),
		exact("Assets uploaded twice", float64(len(twice)), "assets", 0),
	}, nil
}

// assemble synthesizes the example, if no part has yet.
func (r *run) assemble(ctx context.Context) error {
	if r.assembly != "" {
		return nil
	}
	dir, err := r.temp()
	if err != nil {
		return err
	}
	r.assembly = filepath.Join(dir, "assembly")
	return r.synthesize(ctx, apps["example"], r.assembly)
}

// functions are the programs of the ingestion's functions as they are deployed, by short name.
func (r *run) functions(ctx context.Context) (map[string]string, error) {
	if err := r.assemble(ctx); err != nil {
		return nil, err
	}
	var template stack
	if err := readJSON(filepath.Join(r.assembly, "listings-dev.template.json"), &template); err != nil {
		return nil, err
	}
	programs := map[string]string{}
	for _, res := range template.Resources {
		id, own := strings.CutPrefix(res.Metadata.Path, "listings-dev/Listings/")
		id, function := strings.CutSuffix(id, "Function/Resource")
		if own && function && res.Type == "AWS::Lambda::Function" {
			dir := "asset." + strings.TrimSuffix(res.Properties.Code.S3Key, ".zip")
			programs[id] = filepath.Join(r.assembly, dir, "bootstrap")
		}
	}
	return programs, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path) //nolint:gosec // of the assembly
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// pack returns the digest of a file or of a directory's files, and how large they are as a zip file.
func pack(path string) (sum string, zipped int64, err error) {
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return "", 0, fmt.Errorf("pack %s: %w", path, err)
	}
	slices.Sort(files)
	h, size := sha256.New(), &counter{}
	archive := zip.NewWriter(size)
	for _, p := range files {
		body, err := os.ReadFile(p) //nolint:gosec // of the assembly
		if err != nil {
			return "", 0, fmt.Errorf("pack %s: %w", path, err)
		}
		_, _ = h.Write(body) // never fails
		entry, err := archive.Create(filepath.Base(p))
		if err == nil {
			_, err = entry.Write(body)
		}
		if err != nil {
			return "", 0, fmt.Errorf("pack %s: %w", path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return "", 0, fmt.Errorf("pack %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size.n, nil
}

// counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)
