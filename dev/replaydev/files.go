package replaydev

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// lines reports each line that is read. The reader is not read to its end when the program ends before.
func lines(in io.Reader) <-chan struct{} {
	read := make(chan struct{})
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			read <- struct{}{}
		}
	}()
	return read
}

// generated are directories that hold no source.
var generated = []string{"node_modules", "cdk.out", "build", "dist", "vendor", "__pycache__"}

// fingerprint tells whether files of an app have changed. Hidden files, and what editors keep beside a file, do not count.
func fingerprint(dir string) uint64 {
	h := fnv.New64a()
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // what cannot be read does not count
		if err != nil || path == dir {
			return nil //nolint:nilerr // it may just have been removed
		}
		hidden := strings.HasPrefix(d.Name(), ".") || strings.HasSuffix(d.Name(), "~")
		switch info, err := d.Info(); {
		case d.IsDir() && (hidden || slices.Contains(generated, d.Name())):
			return filepath.SkipDir
		case err == nil && !d.IsDir() && !hidden:
			_, _ = fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return h.Sum64()
}

// watcher notices changes of files once they have stopped.
type watcher struct {
	dir        string
	seen, last uint64
}

func newWatcher(dir string) *watcher {
	now := fingerprint(dir)
	return &watcher{dir, now, now}
}

// changed reports whether files differ from those that were seen, and were the same when it was asked before.
func (w *watcher) changed() bool {
	now := fingerprint(w.dir)
	calm := now == w.last
	w.last = now
	return calm && now != w.seen
}

// lockFile is held by the process of a run.
const lockFile = "lock"

// place makes a directory for a run, and removes those of runs that were killed. No two runs do this at the same time.
func place(ctx context.Context, runs string) (dir string, release func(), err error) {
	unlock, err := toolchain.Lock(ctx, runs+".lock")
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	if err := os.MkdirAll(runs, 0o750); err != nil {
		return "", nil, err
	}
	if err := prune(runs); err != nil {
		return "", nil, err
	}
	if dir, err = os.MkdirTemp(runs, ""); err != nil {
		return "", nil, err
	}
	lock, err := toolchain.TryLock(filepath.Join(dir, lockFile))
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() {
		_ = os.RemoveAll(dir) // the next run tries again
		_ = lock.Close()
	}, nil
}

// onlyOne makes sure that no other run writes a file: replayctl would lose the one that wrote it first.
func onlyOne(file string) (release func(), err error) {
	lock, err := toolchain.TryLock(file + ".lock")
	if errors.Is(err, toolchain.ErrLocked) {
		return nil, fmt.Errorf("%w: replaydev runs already and writes %s: end it first, or give this one another file with --local",
			command.ErrUsage, file)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	return func() {
		_ = os.Remove(lock.Name())
		_ = lock.Close()
	}, nil
}

// prune removes the directories of runs whose process has ended.
func prune(runs string) error {
	entries, err := os.ReadDir(runs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(runs, e.Name())
		if !e.IsDir() {
			continue
		}
		lock, err := toolchain.TryLock(filepath.Join(dir, lockFile))
		if errors.Is(err, toolchain.ErrLocked) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(dir), lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

// logsKept is how long the logs of a run stay in the cache.
const logsKept = 7 * 24 * time.Hour

// removeOld removes directories in which nothing was made since a time. There may be none.
func removeOld(dir string, since time.Time) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if info, infoErr := e.Info(); infoErr == nil && info.ModTime().Before(since) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
