package golambda

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// moduleDirs remembers where modules are: asking costs a fraction of a second, and an app asks for every function of
// every stage.
var moduleDirs sync.Map

// moduleDir returns the directory of a module that the app in the working directory is or requires.
//
// -mod=readonly keeps the go command from editing the app's go.mod, and makes it look into the module cache where
// the app is vendored: a vendor directory holds only the packages that the app imports, never our functions.
func moduleDir(module string) (string, error) {
	if dir, ok := moduleDirs.Load(module); ok {
		return dir.(string), nil
	}
	out, err := run("", nil, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("find the source of module %s: %w", module, err)
	}
	dir := strings.TrimSpace(out)
	if dir == "" {
		return "", fmt.Errorf("find the source of module %s: it is not in the module cache: run "+
			"'go mod download %[1]s', or pass ready code to the construct", module)
	}
	moduleDirs.Store(module, dir)
	return dir, nil
}

// build compiles package pkg of the module in root to the file output.
//
// The environment shuts out what differs between apps and machines: workspaces, GOFLAGS, cgo. The flags leave out
// paths, version control stamps and the build id, so that equal source gives equal bytes; lambda.norpc leaves out
// the protocol of the retired go1.x runtime.
func build(root, pkg, goarch, output string) error {
	env := []string{"GOOS=linux", "GOARCH=" + goarch, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly"}
	_, err := run(root, env, "build", "-trimpath", "-buildvcs=false", "-tags=lambda.norpc",
		"-ldflags=-s -w -buildid=", "-o", output, pkg)
	if err != nil {
		return fmt.Errorf("compile function %s of %s for linux/%s: %w", pkg, root, goarch, err)
	}
	return nil
}

// run calls the go command and returns its output; the error holds what it wrote to stderr.
func run(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...) //nolint:gosec // the arguments are the construct's, none comes from input
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("the go command is needed to compile functions, or pass ready code: %w", err)
		}
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
