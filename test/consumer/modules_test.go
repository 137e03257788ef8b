package consumer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

// version is what this module and dev are published as, to the proxy of the tests. dev/go.mod must require it.
const version = factory.Release

// modules are a proxy that serves this module as it lies in the checkout, and a module cache to download it to.
type modules struct {
	dir   string // of both, and of what the tests make
	proxy string
	cache string
}

func newModules() (*modules, error) {
	dir, err := os.MkdirTemp("", "consumer-")
	if err != nil {
		return nil, err
	}
	m := &modules{dir: dir, proxy: filepath.Join(dir, "proxy"), cache: filepath.Join(dir, "modcache")}
	for _, sub := range []string{"", "dev"} {
		if err := m.publish(sub); err != nil {
			return nil, errors.Join(fmt.Errorf("publish module %q: %w", sub, err), m.remove())
		}
	}
	if err := newCache(m.cache); err != nil {
		return nil, errors.Join(fmt.Errorf("make a module cache: %w", err), m.remove())
	}
	return m, nil
}

// remove removes everything, the read-only directories of module caches too.
func (m *modules) remove() error {
	err := filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700) //nolint:gosec // a directory needs its x bit
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(m.dir))
}

// publish makes the zip of the module in a directory from the files that git would commit, as the public proxy would.
func (m *modules) publish(sub string) error {
	name := path.Join(golambda.ThisModule(), sub)
	escaped, err := module.EscapePath(name)
	if err != nil {
		return err
	}
	dir := filepath.Join(m.proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	files, err := checkoutFiles(sub)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, module.Version{Path: name, Version: version}, files); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(root, sub, "go.mod"))
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": []byte(`{"Version":"` + version + `"}`),
		version + ".mod":  mod,
		version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// checkoutFile is a file of a module's zip.
type checkoutFile struct{ dir, name string }

func (f checkoutFile) Path() string                 { return f.name }
func (f checkoutFile) Lstat() (fs.FileInfo, error)  { return os.Lstat(filepath.Join(f.dir, f.name)) }
func (f checkoutFile) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(f.dir, f.name)) }

func checkoutFiles(sub string) ([]zip.File, error) {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = filepath.Join(root, sub)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var files []zip.File
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		f := checkoutFile{cmd.Dir, name}
		if _, err := f.Lstat(); err == nil { // a deleted file is listed until it is committed
			files = append(files, f)
		}
	}
	return files, nil
}

// newCache makes a module cache that has everything but this module from the machine's one, by symbolic links: other
// modules are not downloaded and unpacked again, and nothing of the tests is left in the machine's cache.
func newCache(dir string) error {
	shared, err := goEnv("GOMODCACHE")
	if err != nil {
		return err
	}
	path, err := module.EscapePath(golambda.ThisModule())
	if err != nil {
		return err
	}
	for _, part := range []string{"", filepath.Join("cache", "download")} {
		if err := linkAllBut(filepath.Join(shared, part), filepath.Join(dir, part), strings.Split(path, "/")); err != nil {
			return err
		}
	}
	return nil
}

// linkAllBut links the entries of a directory of the cache, except what is at path or at path@version.
func linkAllBut(from, to string, path []string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	for _, e := range entries {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		name, _, _ := strings.Cut(e.Name(), "@")
		switch {
		case name == "cache", name == path[0] && len(path) == 1:
		case name == path[0]:
			err = linkAllBut(source, target, path[1:])
		default:
			err = os.Symlink(source, target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func goEnv(name string) (string, error) {
	out, err := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}
