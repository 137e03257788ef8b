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

// batches compiles functions of one module with one call of the go command. It loads their packages, most of which they
// share, and that is most of what is left to do when nothing has changed.
type batches struct {
	mu      sync.Mutex
	waiting []bundler            // asked for, in this order, and not compiled yet
	ready   map[bundler]*os.File // compiled with another, and not handed out yet
	done    map[bundler]bool     // handed out: as a rule CDK has its bundle, and asks for it no more in this process
}

// functions are those of this process.
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

// write compiles a function to a file, and with it those that wait.
func (s *batches) write(b bundler, output string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[b] = true
	if s.ready[b] == nil {
		if batch := s.take(b); len(batch) > 1 {
			_ = s.compile(batch) // what did not compile is compiled alone, when its turn comes, with an error of its own
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

// take returns a function with those that wait and can be compiled with it, which no longer wait.
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

// binary is what the go command calls the function's binary among others: its directory's name.
func (b bundler) binary() string { return path.Base(b.pkg) }

// versions are names of directories that the go command does not call a binary after.
var versions = regexp.MustCompile(`^v[0-9.]+$`)

// batches reports whether a function can be compiled with others. The go command has other names for one in the root of its
// module or in a directory v2. Windows does not remove open files, and those of a batch would stay.
func (b bundler) batches() bool {
	return b.binary() != "." && !versions.MatchString(b.binary()) && runtime.GOOS != "windows"
}

// compile makes the binaries of a batch ready. They have no names any more when it returns: nothing is left of them once
// they are closed, or the process ends.
func (s *batches) compile(batch []bundler) error {
	dir, err := os.MkdirTemp("", "golambda-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary
	pkgs := make([]string, len(batch))
	for i, b := range batch {
		pkgs[i] = b.pkg
		_ = binaries.Lay(binaries.Kept(b.module, b.pkg, b.goarch), filepath.Join(dir, b.binary())) // without it, it is linked
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
