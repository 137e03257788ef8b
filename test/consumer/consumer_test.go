// Package consumer_test uses this module as other people's apps do: from the module cache, where it is read-only and
// where nothing is beside it; vendored, where its functions are missing; in workspaces and replaced.
package consumer_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// functions is how many a ReplayableIngestion has.
const functions = 7

var (
	root      = filepath.Join("..", "..")
	published *modules
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if root, err = filepath.Abs(root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if published, err = newModules(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := published.remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// built is an app and what it was synthesized to.
type built struct {
	app
	programs map[[sha256.Size]byte]bool
}

var once struct {
	sync.Once
	built
}

// plain is the program in README, in a module of its own, synthesized by the CDK CLI as its users do. Tests do not
// change it.
func plain(t *testing.T) built {
	t.Helper()
	once.Do(func() {
		a := newApp(t, programOf(t))
		write(t, a.dir, map[string]string{"cdk.json": `{"app": "go run ."}`})
		once.built = built{a, programs(t, a.cdkSynth(t, a.dir))}
	})
	if once.programs == nil {
		t.Fatal("the program in README.md does not synthesize")
	}
	return once.built
}

// cdkSynth runs the CDK CLI in a directory with a cdk.json, and returns the cloud assembly.
func (a app) cdkSynth(t *testing.T, dir string, args ...string) string {
	t.Helper()
	tools, err := toolchain.Find(root)
	if err != nil {
		t.Fatal(err)
	}
	assembly := filepath.Join(tempDir(t), "cdk.out")
	args = append([]string{tools.CDK, "synth", "--quiet", "--no-notices", "--output", assembly}, args...)
	if out, err := a.run(dir, filepath.Join(tools.NodeBin, "node"), args...); err != nil {
		t.Fatalf("cdk synth: %v\n%s", err, out)
	}
	return assembly
}

func TestTheProgramInReadmeSynthesizesFromTheModuleCache(t *testing.T) {
	p := plain(t)
	if len(p.programs) != functions {
		t.Errorf("got %d different programs, want %d", len(p.programs), functions)
	}
	source := filepath.Join(published.cache, filepath.FromSlash(golambda.ThisModule())+"@"+version)
	info, err := os.Stat(filepath.Join(source, "lambdas", "record"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o222 != 0 {
		t.Errorf("%s is writable (%v): the test proves nothing", source, info.Mode())
	}
	if mod := read(t, p.dir, "go.mod"); !strings.Contains(mod, golambda.ThisModule()+" "+version) || strings.Contains(mod, "aws-sdk-go-v2/") {
		t.Errorf("the app's go.mod is\n%s", mod)
	}
	p.mustGo(t, "mod", "tidy", "-diff") // synthesizing has changed neither go.mod nor go.sum
}

func TestAVendoredAppSynthesizes(t *testing.T) {
	a := copied(t, plain(t))
	a.mustGo(t, "mod", "vendor")
	vendored := filepath.Join(a.dir, "vendor", filepath.FromSlash(golambda.ThisModule()))
	if _, err := os.Stat(filepath.Join(vendored, "constructs", "ingestion")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(vendored, "lambdas")); err == nil {
		t.Fatal("the functions are vendored: the test proves nothing")
	}
	t.Run("with the module in the cache", func(t *testing.T) {
		same(t, a.synth(t, a.dir, "go", "run", "-mod=vendor", "."))
	})
	without := filepath.Join(tempDir(t), "modcache")
	if err := newCache(without); err != nil {
		t.Fatal(err)
	}
	t.Run("or says what is to be done when it cannot be had", func(t *testing.T) {
		out, err := a.with("GOMODCACHE="+without, "GOPROXY=off", "CDK_OUTDIR="+tempDir(t)).run(a.dir, "go", "run", "-mod=vendor", ".")
		if err == nil {
			t.Fatal("it synthesized: the test proves nothing")
		}
		for _, want := range []string{"find the source of module " + golambda.ThisModule(), "GOPROXY=off", "prop Code"} {
			if !strings.Contains(out, want) {
				t.Errorf("want %q in\n%s", want, out)
			}
		}
	})
	t.Run("with the module downloaded", func(t *testing.T) {
		before := read(t, a.dir, "go.sum")
		same(t, a.with("GOMODCACHE="+without).synth(t, a.dir, "go", "run", "-mod=vendor", "."))
		if read(t, a.dir, "go.sum") != before {
			t.Error("go.sum has changed")
		}
	})
}

func TestATrimmedBinarySynthesizesAnywhere(t *testing.T) {
	p := plain(t)
	binary := filepath.Join(tempDir(t), "shop")
	p.mustGo(t, "build", "-trimpath", "-o", binary, ".")
	t.Run("in a directory without a module", func(t *testing.T) {
		dir := tempDir(t)
		write(t, dir, map[string]string{"cdk.json": `{"app": "` + binary + `"}`})
		same(t, programs(t, p.cdkSynth(t, dir)))
	})
	t.Run("in another module, which requires another version", func(t *testing.T) {
		dir := tempDir(t)
		write(t, dir, map[string]string{"go.mod": "module example.com/other\n\ngo 1.26\n\nrequire " + golambda.ThisModule() + " v0.0.0\n"})
		same(t, p.synth(t, dir, binary))
	})
}

func TestAWorkspaceSynthesizes(t *testing.T) {
	a := copied(t, plain(t))
	write(t, a.dir, map[string]string{"../other/go.mod": "module example.com/other\n\ngo 1.26.0\n"})
	a.mustGo(t, "work", "init", ".", "../other")
	t.Run("with the module from the cache", func(t *testing.T) {
		same(t, a.synth(t, a.dir, "go", "run", "."))
	})
	t.Run("with a checkout of the module in it", func(t *testing.T) {
		a.mustGo(t, "work", "use", root)
		same(t, a.synth(t, a.dir, "go", "run", "."))
	})
}

func TestAReplacedModuleSynthesizes(t *testing.T) {
	a := copied(t, plain(t))
	if err := os.Symlink(root, filepath.Join(a.dir, "..", "checkout")); err != nil {
		t.Fatal(err)
	}
	a.mustGo(t, "mod", "edit", "-replace="+golambda.ThisModule()+"=../checkout")
	a.mustGo(t, "mod", "tidy")
	t.Run("in the app's module", func(t *testing.T) {
		same(t, a.synth(t, a.dir, "go", "run", "."))
	})
	t.Run("and says what is to be done elsewhere", func(t *testing.T) {
		binary := filepath.Join(tempDir(t), "shop")
		a.mustGo(t, "build", "-trimpath", "-o", binary, ".")
		out, err := a.with("CDK_OUTDIR="+tempDir(t)).run(tempDir(t), binary)
		if err == nil || !strings.Contains(out, "run the app in its module's directory") {
			t.Errorf("got %v, %s", err, out)
		}
	})
}

// copied returns a copy of an app, to change.
func copied(t *testing.T, p built) app {
	t.Helper()
	a := app{dir: filepath.Join(tempDir(t), "app"), env: p.env}
	if err := os.CopyFS(a.dir, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	return a
}
