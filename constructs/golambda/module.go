package golambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"golang.org/x/mod/module"
)

// moduleDirs remembers where modules are: finding out takes a fraction of a second, and an app asks for every function
// of every stage.
var moduleDirs sync.Map

// moduleDir returns the directory of a module that the app is or requires.
func moduleDir(name string) (string, error) {
	if dir, ok := moduleDirs.Load(name); ok {
		return dir.(string), nil
	}
	info, _ := debug.ReadBuildInfo() // without one, the go command is asked
	dir, err := find(name, info)
	if err != nil {
		return "", fmt.Errorf("find the source of module %s: %w: %s", name, err, remedy)
	}
	moduleDirs.Store(name, dir)
	return dir, nil
}

const remedy = "run the app in its module's directory with access to the module cache or a module proxy, or pass ready " +
	"code to the construct, as prop Code does"

// find prefers the version in the app's binary. That is the version that the app was compiled with, wherever it runs.
// It also works if the packages came from a vendor directory, which never contains functions.
func find(name string, info *debug.BuildInfo) (string, error) {
	if m := compiledIn(name, info); m != nil {
		return cached(m)
	}
	return listed(name)
}

// compiledIn returns the cached module that the binary was built with. It returns nil if the module is a directory: by
// a workspace, by a replacement or as the app itself.
func compiledIn(name string, info *debug.BuildInfo) *debug.Module {
	if info == nil {
		return nil
	}
	for _, m := range info.Deps {
		if m.Path != name {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Version == "" || m.Version == "(devel)" {
			return nil
		}
		return m
	}
	return nil
}

// listed asks the go command, which needs the app's go.mod, in the working directory or above.
//
// -mod=readonly keeps it from editing that go.mod, and makes it use the module cache if the app is vendored.
func listed(name string) (string, error) {
	out, err := run("", nil, "list", "-mod=readonly", "-m", "-json", name)
	if err != nil {
		return "", err
	}
	type source struct{ Path, Version, Dir string }
	var m struct {
		source
		Replace *source
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		return "", fmt.Errorf("read what go list says: %w", err)
	}
	if m.Dir != "" { // also of a replacement
		return m.Dir, nil
	}
	if m.Replace != nil {
		m.source = *m.Replace
	}
	return download(&debug.Module{Path: m.Path, Version: m.Version})
}

// cached returns the directory of a module in the cache, and downloads it if it is not there.
func cached(m *debug.Module) (string, error) {
	cache, err := run("", nil, "env", "GOMODCACHE")
	if err != nil {
		return "", err
	}
	dir, zipHash, err := places(strings.TrimSpace(cache), m)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, checkSum(zipHash, m)
	}
	if dir, err = download(m); err != nil {
		return "", err
	}
	return dir, checkSum(zipHash, m)
}

// places returns where the cache keeps a module, and where it keeps the checksum of the zip file.
func places(cache string, m *debug.Module) (dir, zipHash string, err error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return "", "", err
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return "", "", err
	}
	path = filepath.FromSlash(path)
	return filepath.Join(cache, path+"@"+version),
		filepath.Join(cache, "cache", "download", path, "@v", version+".ziphash"), nil
}

// checkSum compares the module in the cache with the one that was compiled in: the functions and the construct must
// have the same version. The binary of a vendored app has no checksums.
func checkSum(zipHash string, m *debug.Module) error {
	if m.Sum == "" {
		return nil
	}
	got, err := os.ReadFile(zipHash) //nolint:gosec // of the module cache
	if errors.Is(err, os.ErrNotExist) {
		return nil // unpacked by other means
	}
	if err != nil {
		return err
	}
	if string(got) != m.Sum {
		return fmt.Errorf("the module cache holds another %s@%s, with sum %s, than the app was compiled with, %s",
			m.Path, m.Version, got, m.Sum)
	}
	return nil
}

// download has the go command fetch a module into the cache, as it would for go build. It runs in a separate module
// with the app's checksums, so the app does not change.
func download(m *debug.Module) (dir string, err error) {
	tmp, err := os.MkdirTemp("", "golambda-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := os.WriteFile(filepath.Join(tmp, "go.mod"), []byte("module download\n"), 0o600); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(tmp, "go.sum"), sums(), 0o600); err != nil {
		return "", err
	}
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod"}
	out, err := run(tmp, env, "mod", "download", "-json", m.Path+"@"+m.Version)
	var got struct{ Dir, Error string }
	if out != "" {
		err = errors.Join(json.Unmarshal([]byte(out), &got), err)
	}
	if got.Error != "" {
		return "", errors.New(got.Error)
	}
	return got.Dir, err
}

// sums returns the app's go.sum if there is one.
func sums() []byte {
	mod, err := run("", nil, "env", "GOMOD")
	if err != nil {
		return nil
	}
	sum, err := os.ReadFile(filepath.Join(filepath.Dir(strings.TrimSpace(mod)), "go.sum"))
	if err != nil {
		return nil // the checksum database knows as well
	}
	return sum
}
