package toolchain

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// emulatorLock pins the emulator, for the checkout and for users.
const emulatorLock = "emulator.txt"

//go:embed emulator.txt cdk/package.json cdk/package-lock.json
var locks embed.FS

// need is a program that this package does not install. The user has it or chooses how to install it.
type need struct {
	name   string
	argv   []string // prints the version
	oldest [2]int   // major and minor version; zeros: any
	remedy string
}

// needs are the programs for an app in Go. The pinned CDK CLI determines the oldest Node.js.
func needs(ownCDK bool) []need {
	all := []need{
		{"Go", []string{"go", "env", "GOVERSION"}, [2]int{1, 26}, "install it as go.dev/doc/install says"},
		{"Node.js", []string{"node", "--version"}, [2]int{18, 0}, "install an LTS version as nodejs.org/en/download says"},
		{"Python with venv and pip", []string{"python3", "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"},
			[2]int{3, 10}, "install Python 3, on Debian and Ubuntu with apt-get install python3-venv"},
	}
	if !ownCDK {
		all = append(all, need{"npm", []string{"npm", "--version"}, [2]int{}, "install it with Node.js, or aws-cdk in the app's node_modules"})
	}
	return all
}

var versionPattern = regexp.MustCompile(`(\d+)\.(\d+)`)

// check runs in the app's directory: its go.mod chooses the version of Go.
func (n need) check(ctx context.Context, dir string) error {
	wanted := n.name
	if n.oldest != [2]int{} {
		wanted = fmt.Sprintf("%s %d.%d or newer", n.name, n.oldest[0], n.oldest[1])
	}
	cmd := exec.CommandContext(ctx, n.argv[0], n.argv[1:]...) //nolint:gosec // the programs above
	cmd.Dir, cmd.Env = dir, quietEnv()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s is needed, and %s fails (%w): %s", wanted, n.argv[0], err, n.remedy)
	}
	text := strings.TrimSpace(string(out))
	parts := versionPattern.FindStringSubmatch(text)
	if parts == nil {
		return fmt.Errorf("%s is needed, and %s answers %q instead of a version: %s", wanted, n.argv[0], text, n.remedy)
	}
	major, _ := strconv.Atoi(parts[1]) // digits
	minor, _ := strconv.Atoi(parts[2])
	if slices.Compare([]int{major, minor}, n.oldest[:]) < 0 {
		return fmt.Errorf("%s is needed, and %s is %s: %s", wanted, n.argv[0], text, n.remedy)
	}
	return nil
}

// quietEnv keeps npm from leaving a cache in the temporary directory.
func quietEnv() []string { return append(os.Environ(), "NODE_DISABLE_COMPILE_CACHE=1") }

// ForApp returns the tools to deploy an app outside of the checkout: the app's own CDK CLI or the pinned one, and the
// emulator. Missing tools are installed in a directory below cache. The error names all programs that the user has to
// install at once, before anything starts.
func ForApp(ctx context.Context, app, cache string, progress io.Writer) (Tools, error) {
	own := filepath.Join(app, "node_modules", ".bin", "cdk")
	var lacks []error
	for _, n := range needs(exists(own)) {
		lacks = append(lacks, n.check(ctx, app))
	}
	if err := errors.Join(lacks...); err != nil {
		return Tools{}, err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return Tools{}, err
	}
	root, err := unpack(cache)
	if err != nil {
		return Tools{}, fmt.Errorf("make a directory of tools: %w", err)
	}
	t := at(root)
	t.ASL, t.Axe, t.Linter = "", "", ""
	t.NodeBin = filepath.Dir(node)
	parts := []part{t.virtualEnvironment(emulatorLock)}
	if exists(own) {
		t.CDK = own
	} else {
		parts = append(parts, part{
			name: "the CDK CLI", files: []string{t.CDK}, locks: []string{"package.json", "package-lock.json"},
			stamp: filepath.Join(root, "node_modules", ".stamp"),
			steps: []step{{argv: []string{"npm", "ci", "--no-progress", "--no-audit", "--no-fund", "--no-update-notifier"}}},
		})
	}
	for _, p := range parts {
		if err := p.install(ctx, root, progress); err != nil {
			return Tools{}, fmt.Errorf("install %s in %s: %w", p.name, root, err)
		}
	}
	return t, nil
}

// unpack writes the lock files to a separate directory below cache. Other versions of this program have other lock
// files, and may run at the same time.
func unpack(cache string) (dir string, err error) {
	h := sha256.New()
	files := map[string][]byte{}
	err = fs.WalkDir(locks, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := locks.ReadFile(name)
		files[filepath.Base(name)] = b
		_, _ = fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
		return err
	})
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "tools-"+hex.EncodeToString(h.Sum(nil))[:12])
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}
