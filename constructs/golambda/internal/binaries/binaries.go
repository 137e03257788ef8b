// Package binaries keeps the last binary of each function.
//
// Once a function's packages are in Go's build cache, linking takes most of the time, and Go does not cache linked
// programs. So the last binary of each function is kept beside that cache, and put at the output path of the next
// build. The go command reads the inputs from its build id, and links only if an input has changed. Only the go command
// decides whether a kept binary is used.
package binaries

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Switch is the environment variable that turns this off. With "off", no binary is kept or used.
const Switch = "GOLAMBDA_CACHE"

// bootstrap is what a binary is called while it is copied.
const bootstrap = "bootstrap"

// Kept returns the path of the last binary of a function, or "" without a cache directory or with Switch off.
func Kept(module, pkg, goarch string) string {
	if os.Getenv(Switch) == "off" {
		return ""
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	// Without the module's version: one binary per function, not one more for each update.
	sum := sha256.Sum256([]byte(module + "\x00" + pkg + "\x00" + goarch))
	return filepath.Join(dir, "replayable-ingestion", "golambda", hex.EncodeToString(sum[:16]))
}

// Keep keeps a binary for the next time. If that fails, the next time takes longer.
func Keep(binary, kept string) error {
	if kept == "" || same(binary, kept) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(kept), "new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }() // empty, once the binary has its place
	whole := filepath.Join(temp, bootstrap)
	if err := copyFile(binary, whole); err != nil {
		return err
	}
	if err := flush(whole); err != nil { // the go command would not notice that half of it is missing
		return err
	}
	return os.Rename(whole, kept) // another app may read it right now
}

// flush waits until a file is on the disk.
func flush(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // a binary of this package
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Lay puts a kept binary at the output path of the next build. If it fails, it leaves no file there. The go command
// would trust the build id of an incomplete program, because the id comes first.
func Lay(kept, output string) error {
	if kept == "" {
		return os.ErrNotExist
	}
	if err := complete(kept); err != nil {
		return err
	}
	if err := copyFile(kept, output); err != nil {
		return errors.Join(err, os.Remove(output))
	}
	return nil
}

// complete returns an error unless a file has all sections that its header lists.
func complete(binary string) error {
	f, err := elf.Open(binary)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was read
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize > uint64(info.Size()) { //nolint:gosec // no file has a negative size
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

// same reports whether two binaries were built from the same inputs. Both begin with their build ids, which are hashes
// of the inputs. The go command reads nothing else of them. An incomplete binary has another size.
func same(binary, kept string) bool {
	a, sizeA, errA := head(binary)
	b, sizeB, errB := head(kept)
	return errA == nil && errB == nil && sizeA == sizeB && bytes.Equal(a, b)
}

// head returns the beginning of a binary, and its size in bytes.
func head(binary string) ([]byte, int64, error) {
	f, err := os.Open(binary) //nolint:gosec // a binary of this package
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // it was read
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	const enough = 64 << 10 // the go command searches half of that for the id
	start, err := io.ReadAll(io.LimitReader(f, enough))
	return start, info.Size(), err
}

// copyFile copies a program.
func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // a binary of this package
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return Write(in, to)
}

// Write copies a program that is open.
func Write(in *os.File, to string) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755) //nolint:gosec // the same; Lambda runs it
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
