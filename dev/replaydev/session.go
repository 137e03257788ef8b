package replaydev

import (
	"bufio"
	"context"
	"encoding/json"
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

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// session is an app that is up.
type session struct {
	*local.Stack
	file string // of replayctl --local
	dir  string // of the app
	out  io.Writer
}

func (s session) write() error {
	b, err := json.MarshalIndent(s.Result, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write --local: %w", err)
	}
	return nil
}

func (s session) usage() {
	_, _ = fmt.Fprintf(s.out, "\nYour app is up at %s.\n", s.EndpointURL)
	if len(s.Ingestions) == 0 {
		_, _ = fmt.Fprintln(s.out, "It has no ReplayableIngestion.")
	}
	for _, i := range s.Ingestions {
		_, _ = fmt.Fprintf(s.out, "  %-30s %s\n", i.Path, i.StateMachineARN)
	}
	const text = `
In another terminal, send an event and see what became of it:

  export REPLAYCTL_LOCAL=%[1]s
  replayctl ingest event.json --wait
  replayctl history ID

For the AWS CLI:

  export AWS_ENDPOINT_URL=%[2]s AWS_REGION=%[3]s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test

Logs: %[4]s, with a file per function.

Enter deploys again after a change. Ctrl-C ends it, and removes everything but the logs, which stay for a week.
`
	_, _ = fmt.Fprintf(s.out, text, s.file, s.EndpointURL, s.Region, s.LogDir)
}

// stay deploys again when it is asked to, until the context ends.
func (s session) stay(ctx context.Context, in io.Reader, watch bool) error {
	changed := make(<-chan time.Time)
	seen := uint64(0)
	if watch {
		seen = fingerprint(s.dir)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		changed = ticker.C
	}
	enter := lines(in)
	for {
		select {
		case <-ctx.Done():
			_, _ = fmt.Fprintln(s.out, "stopping")
			return nil
		case <-s.Done():
			return fmt.Errorf("the emulator ended; its log is %s", filepath.Join(s.LogDir, "emulator.log"))
		case _, open := <-enter:
			if !open { // input has ended: only --watch deploys
				enter = nil
				continue
			}
		case <-changed:
			if now := fingerprint(s.dir); now == seen {
				continue
			}
		}
		if err := s.again(ctx); err != nil && ctx.Err() == nil {
			_, _ = fmt.Fprintf(s.out, "error: %v\nWhat was deployed before goes on.\n", err)
		}
		if watch { // what synthesizing writes is not a change
			seen = fingerprint(s.dir)
		}
	}
}

func (s session) again(ctx context.Context) error {
	_, _ = fmt.Fprintln(s.out, "deploying again")
	if err := s.Redeploy(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(s.out, "deployed")
	return s.write()
}

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
var generated = []string{"node_modules", "cdk.out", "build", "vendor", "__pycache__"}

// fingerprint tells whether files of an app have changed.
func fingerprint(dir string) uint64 {
	h := fnv.New64a()
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // what cannot be read does not count
		if err != nil {
			return nil //nolint:nilerr // it may just have been removed
		}
		if d.IsDir() && path != dir && (strings.HasPrefix(d.Name(), ".") || slices.Contains(generated, d.Name())) {
			return filepath.SkipDir
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			_, _ = fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return h.Sum64()
}

// place makes a directory for a run, and removes those of runs that were killed.
func place(runs string) (dir string, release func(), err error) {
	if err := os.MkdirAll(runs, 0o750); err != nil {
		return "", nil, err
	}
	if err := prune(runs, time.Now()); err != nil {
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

const lockFile = "lock"

// prune removes runs whose process has ended. One that begins right now has no lock yet.
func prune(runs string, now time.Time) error {
	entries, err := os.ReadDir(runs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || now.Sub(info.ModTime()) < time.Minute {
			continue
		}
		dir := filepath.Join(runs, e.Name())
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
