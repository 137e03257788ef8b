// Package toolchain finds and installs, inside the checkout, what the local runner and the checks need besides Go: the
// CDK CLI with its Node.js, the emulator in a virtual environment, and the linter. Without a checkout, it installs the
// CDK CLI and the emulator in the user's cache. Lock files pin every version.
package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// ErrMissing means that a tool is not installed, or has another version than the lock files.
var ErrMissing = errors.New("run `make tools` to install it")

// Tools are the installed programs.
type Tools struct {
	Root    string // the checkout
	NodeBin string // directory with the pinned node, to be first in PATH of the CDK CLI
	CDK     string // the CDK CLI, to be run by that node
	ASL     string // the linter of workflows, to be run by that node
	Axe     string // the checker of web pages, to be run by a browser
	Python  string // interpreter of the virtual environment with the emulator
	Linter  string
}

// Root finds the checkout that holds the directory: the closest one with a go.mod and a package-lock.json.
func Root(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for d := abs; ; d = filepath.Dir(d) {
		if exists(filepath.Join(d, "go.mod")) && exists(filepath.Join(d, "package-lock.json")) {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is in no checkout: no parent directory has a go.mod and a package-lock.json", abs)
		}
	}
}

// Find returns the tools of the checkout that holds dir. It returns ErrMissing when CDK or the emulator is not there.
func Find(dir string) (Tools, error) {
	root, err := Root(dir)
	if err != nil {
		return Tools{}, err
	}
	t := at(root)
	for _, p := range []part{t.npm(), t.python()} {
		if !p.current() {
			return Tools{}, fmt.Errorf("%s is missing or out of date: %w", p.name, ErrMissing)
		}
	}
	return t, nil
}

// Install installs CDK and the emulator, and the linter if asked, unless they are installed in the versions of the lock
// files. Only one process installs at a time. The others wait and find the tools installed.
func Install(ctx context.Context, root string, withLinter bool, progress io.Writer) (Tools, error) {
	t := at(root)
	parts := []part{t.npm(), t.python()}
	if withLinter {
		parts = append(parts, t.linter())
	}
	for _, p := range parts {
		if err := p.install(ctx, root, progress); err != nil {
			return Tools{}, fmt.Errorf("install %s: %w", p.name, err)
		}
	}
	return t, nil
}

func at(root string) Tools {
	modules := filepath.Join(root, "node_modules")
	return Tools{
		Root:    root,
		NodeBin: filepath.Join(modules, "node", "bin"),
		CDK:     filepath.Join(modules, "aws-cdk", "bin", "cdk"),
		ASL:     filepath.Join(modules, "asl-validator", "dist", "bin", "asl-validator.js"),
		Axe:     filepath.Join(modules, "axe-core", "axe.min.js"),
		Python:  filepath.Join(root, ".venv", "bin", "python"),
		Linter:  filepath.Join(root, ".bin", "golangci-lint"),
	}
}

// part is one installed directory or program.
type part struct {
	name  string
	files []string // files that must exist afterwards
	locks []string // files that pin the version, relative to the root
	stamp string   // holds the digest of the locks, written when the installation is complete
	steps []step
}

type step struct {
	dir  string
	argv []string
}

func (t Tools) npm() part {
	return part{
		name:  "the CDK CLI",
		files: []string{t.CDK, t.ASL, t.Axe, filepath.Join(t.NodeBin, "node")},
		locks: []string{"package.json", "package-lock.json", ".npmrc"},
		stamp: filepath.Join(t.Root, "node_modules", ".stamp"),
		steps: []step{{argv: []string{"npm", "ci", "--no-progress"}}},
	}
}

func (t Tools) python() part {
	return t.virtualEnvironment("requirements.txt", filepath.Join("dev", "toolchain", emulatorLock))
}

// virtualEnvironment installs the requirements of the first file, which includes the others.
func (t Tools) virtualEnvironment(requirements ...string) part {
	venv := filepath.Join(t.Root, ".venv")
	return part{
		name:  "the emulator",
		files: []string{t.Python},
		locks: requirements,
		stamp: filepath.Join(venv, ".stamp"),
		steps: []step{
			{argv: []string{"python3", "-m", "venv", "--clear", venv}},
			// The file pins every transitive requirement, so nothing needs to be resolved.
			{argv: []string{t.Python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", requirements[0]}},
		},
	}
}

func (t Tools) linter() part {
	return part{
		name:  "golangci-lint",
		files: []string{t.Linter},
		locks: []string{filepath.Join("tools", "go.mod"), filepath.Join("tools", "go.sum")},
		stamp: t.Linter + ".stamp",
		steps: []step{{
			dir:  "tools",
			argv: []string{"go", "build", "-o", t.Linter, "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"},
		}},
	}
}

func (p part) install(ctx context.Context, root string, progress io.Writer) error {
	if p.current() {
		return nil
	}
	unlock, err := Lock(ctx, filepath.Join(root, "build", "tools.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if p.current() {
		return nil
	}
	_, _ = fmt.Fprintf(progress, "installing %s\n", p.name)
	for _, s := range p.steps {
		cmd := exec.Command(s.argv[0], s.argv[1:]...) //nolint:gosec // the arguments are the ones above
		// The module of the linter is not part of the workspace.
		cmd.Dir, cmd.Env = filepath.Join(root, s.dir), append(quietEnv(), "GOWORK=off")
		cmd.Stdout, cmd.Stderr = progress, progress
		if err := proc.Run(ctx, cmd); err != nil {
			return err
		}
	}
	if err := p.missing(); err != nil {
		return err
	}
	return os.WriteFile(p.stamp, []byte(p.digest(root)), 0o600)
}

// current says whether the installation is complete and of the locked version.
func (p part) current() bool {
	got, err := os.ReadFile(p.stamp)
	return err == nil && p.missing() == nil && string(got) == p.digest(p.root())
}

// root is the checkout. Every stamp is in a directory directly below it.
func (p part) root() string { return filepath.Dir(filepath.Dir(p.stamp)) }

func (p part) missing() error {
	for _, f := range p.files {
		if !exists(f) {
			return fmt.Errorf("%s is missing", f)
		}
	}
	return nil
}

// digest covers the lock files and the checkout's path, because a moved virtual environment does not work.
func (p part) digest(root string) string {
	h := sha256.New()
	_, _ = h.Write([]byte(root))
	for _, name := range p.locks {
		b, err := os.ReadFile(filepath.Join(root, name)) //nolint:gosec // the names are the ones above
		if err != nil {
			return err.Error()
		}
		_, _ = fmt.Fprintf(h, "\n%s %d\n", name, len(b))
		_, _ = h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
