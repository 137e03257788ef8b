package golambda

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/ce873799/replayable-ingestion/constructs/golambda/internal/binaries"
)

// build compiles package pkg of a module, whose source is in root, to the file output.
func build(module, root, pkg, goarch, output string) error {
	kept := binaries.Kept(module, pkg, goarch)
	err := os.ErrNotExist
	if binaries.Lay(kept, output) == nil {
		err = compile(root, goarch, output, pkg)
	}
	if err != nil { // also when the kept file is not a program: the go command refuses to replace it
		_ = os.Remove(output) // there may be none
		err = compile(root, goarch, output, pkg)
	}
	if err != nil {
		return fmt.Errorf("compile function %s of %s for linux/%s: %w", pkg, root, goarch, err)
	}
	_ = binaries.Keep(output, kept) // the next time takes longer
	return nil
}

// compile calls the compiler. It calls the linker unless the file output already is what the linker would write. For
// several packages, output is the directory of their binaries.
//
// The environment excludes what differs between apps and machines: workspaces, GOFLAGS, cgo, processor levels. The
// flags leave out paths and version control stamps, so equal source gives equal bytes. lambda.norpc leaves out the
// protocol of the retired go1.x runtime. The build id stays. It is a hash of the inputs and the same everywhere.
func compile(root, goarch, output string, pkgs ...string) error {
	env := []string{"GOOS=linux", "GOARCH=" + goarch, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly",
		"GOAMD64=", "GOARM64=", "GOEXPERIMENT="}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", output}, pkgs...)
	_, err := run(root, env, args...)
	return err
}

// run calls the go command and returns its output, also of a call that failed; the error holds what it wrote to stderr.
func run(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...) //nolint:gosec // all arguments are the construct's, none comes from input
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("the go command is needed to compile functions: install Go, or pass compiled code: %w", err)
		}
		return stdout.String(), fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
