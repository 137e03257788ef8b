package local

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// Home has the directories of an app and its tools, and of the files that its runs write.
type Home struct {
	App   string // directory in which the app synthesizes
	Tools toolchain.Tools
	Runs  string // gets a directory for each run, which is removed after it
	Logs  string // gets a directory for the logs of each run
}

func checkout(tools toolchain.Tools) *Home {
	build := filepath.Join(tools.Root, "build")
	return &Home{App: tools.Root, Tools: tools, Runs: build, Logs: filepath.Join(build, "logs")}
}

// appEnv is the environment in which an app synthesizes: the user's environment without AWS settings, and with
// functions compiled for this machine. The example's app takes its architecture as context, and gets a bare
// environment.
func (r *run) appEnv() ([]string, error) {
	path := r.home.Tools.NodeBin + string(os.PathListSeparator) + os.Getenv("PATH")
	if r.opts.Home == nil {
		return append(emulator.BareEnv(), "PATH="+path), nil
	}
	bin, err := r.goForThisMachine()
	if err != nil {
		return nil, fmt.Errorf("make the go command compile for this machine: %w", err)
	}
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			env = append(env, v)
		}
	}
	temporary := filepath.Join(r.stack.runDir, "tmp")
	if err := os.MkdirAll(temporary, 0o750); err != nil {
		return nil, err
	}
	return append(append(env, emulator.BareEnv()...), "PATH="+bin+string(os.PathListSeparator)+path, "TMPDIR="+temporary,
		"NODE_COMPILE_CACHE="+filepath.Join(r.home.Tools.Root, "node-compile-cache")), nil // not in the temporary directory
}

// Functions are compiled for an architecture of Lambda, arm64 by default, but run on this machine. The app should not
// know about it. The go command puts its own directory first in the PATH of programs that go run starts, so a second
// script is needed.
const (
	goScript = `#!/bin/sh
case "$GOOS:$GOARCH" in linux:?*) export GOARCH=%[3]s ;; esac
if [ "$1" = run ]; then shift; exec '%[1]s' run -exec "'%[2]s'" "$@"; fi
exec '%[1]s' "$@"
`
	inPathScript = `#!/bin/sh
PATH='%s':"$PATH" exec "$@"
`
)

// goForThisMachine creates a directory with a go command. Where a program is to be compiled for Linux, it compiles for
// this machine.
func (r *run) goForThisMachine() (bin string, err error) {
	compiler, err := exec.LookPath("go")
	if errors.Is(err, exec.ErrNotFound) {
		return r.stack.runDir, nil // the app is in another language, or a program
	}
	if err != nil {
		return "", err
	}
	bin = filepath.Join(r.stack.runDir, "bin")
	inPath := filepath.Join(r.stack.runDir, "in-path")
	if err := os.MkdirAll(bin, 0o750); err != nil {
		return "", err
	}
	return bin, errors.Join(
		os.WriteFile(filepath.Join(bin, "go"), fmt.Appendf(nil, goScript, compiler, inPath, runtime.GOARCH), 0o700), //nolint:gosec // a program
		os.WriteFile(inPath, fmt.Appendf(nil, inPathScript, bin), 0o700),                                            //nolint:gosec // a program
	)
}

// runsHere returns an error if a program cannot run on this machine. A script, which is not compiled, can.
func runsHere(bootstrap string) error {
	f, err := elf.Open(bootstrap)
	var unread *fs.PathError
	switch {
	case errors.As(err, &unread):
		return err
	case err != nil:
		return nil // it is not compiled
	}
	defer func() { _ = f.Close() }() // read only
	want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	if f.Machine == want {
		return nil
	}
	return fmt.Errorf("its program is for %s, and this machine has %s: set the function's Architecture to %s, such as by a value "+
		"of the context", f.Machine, want, Architecture())
}
