package golambda

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"

	"github.com/ce873799/replayable-ingestion/constructs/golambda/internal/binaries"
)

// batches compiles the functions of one module with one call of the go command. The functions share most packages. When
// nothing has changed, loading these packages takes most of the time.
type batches struct {
	mu      sync.Mutex
	waiting []bundler            // asked for, in this order, and not compiled yet
	ready   map[bundler]*os.File // compiled with another, and not handed out yet
	done    map[bundler]bool     // handed out: CDK usually has its bundle, and does not ask again in this process
}

// functions are the batches of this process.
var functions = batches{ready: map[bundler]*os.File{}, done: map[bundler]bool{}}

// ask notes that CDK may want to bundle a function.
func (s *batches) ask(b bundler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(b) // its source may have changed since
	if !s.done[b] && !slices.Contains(s.waiting, b) {
		s.waiting = append(s.waiting, b)
	}
}

// write compiles a function to a file, together with the waiting ones.
func (s *batches) write(b bundler, output string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[b] = true
	if s.ready[b] == nil {
		if batch := s.take(b); len(batch) > 1 {
			_ = s.compile(batch) // a function that did not compile is later compiled alone, with its own error
		}
	}
	binary := s.ready[b]
	if binary == nil {
		return build(b.module, b.root, b.pkg, b.goarch, output)
	}
	defer s.forget(b)
	return binaries.Write(binary, output)
}

// forget drops a binary that is ready.
func (s *batches) forget(b bundler) {
	if binary := s.ready[b]; binary != nil {
		_ = binary.Close() // it was read
		delete(s.ready, b)
	}
}

// take returns a function and the waiting ones that can be compiled with it. It removes them from the waiting ones.
func (s *batches) take(b bundler) []bundler {
	batch, names := []bundler{b}, map[string]bool{b.binary(): true}
	s.waiting = slices.DeleteFunc(s.waiting, func(w bundler) bool {
		if w == b {
			return true
		}
		if w.root != b.root || w.goarch != b.goarch || names[w.binary()] || !w.batches() || !b.batches() {
			return false
		}
		batch, names[w.binary()] = append(batch, w), true
		return true
	})
	return batch
}

// binary is the name of the function's binary in a batch. The go command uses the directory's name.
func (b bundler) binary() string { return path.Base(b.pkg) }

// versions matches directory names that the go command does not use as a binary name.
var versions = regexp.MustCompile(`^v[0-9.]+$`)

// batches reports whether a function can be compiled with others. The go command uses another name for a function in
// the root of its module or in a directory v2. Windows does not remove open files, so the files of a batch would
// remain.
func (b bundler) batches() bool {
	return b.binary() != "." && !versions.MatchString(b.binary()) && runtime.GOOS != "windows"
}

// compile prepares the binaries of a batch. It deletes their names before it returns, so they disappear when they are
// closed or the process ends.
func (s *batches) compile(batch []bundler) error {
	dir, err := os.MkdirTemp("", "golambda-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary
	pkgs := make([]string, len(batch))
	for i, b := range batch {
		pkgs[i] = b.pkg
		_ = binaries.Lay(binaries.Kept(b.module, b.pkg, b.goarch), filepath.Join(dir, b.binary())) // without it, go links
	}
	if err := compile(batch[0].root, batch[0].goarch, dir+string(filepath.Separator), pkgs...); err != nil {
		return err
	}
	for _, b := range batch {
		name := filepath.Join(dir, b.binary())
		binary, err := os.Open(name) //nolint:gosec // a binary of this package
		if err != nil {
			return fmt.Errorf("read function %s: %w", b.pkg, err)
		}
		s.ready[b] = binary
		_ = binaries.Keep(name, binaries.Kept(b.module, b.pkg, b.goarch)) // the next time takes longer
	}
	return nil
}
