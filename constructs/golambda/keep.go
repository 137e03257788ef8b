package golambda

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
)

// Linking is most of what compiling a function takes once its packages are in Go's build cache, and Go does not keep
// what it links. So the last binary of each function is kept beside that cache and laid where the next one goes: the go
// command reads in its build id what it was made of, and links only if anything has changed. It alone decides; a kept
// binary is never used unasked.

// keptBinary is where the last binary of a function is kept; "" where there is no cache directory.
func keptBinary(module, pkg, goarch string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	// Without the module's version: one binary per function, not one more for each update.
	sum := sha256.Sum256([]byte(module + "\x00" + pkg + "\x00" + goarch))
	return filepath.Join(dir, "replayable-ingestion", "golambda", hex.EncodeToString(sum[:16]))
}

// keep keeps a binary for the next time. If that fails, the next time takes longer.
func keep(binary, kept string) error {
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
	whole := filepath.Join(temp, Bootstrap)
	if err := copyFile(binary, whole); err != nil {
		return err
	}
	return os.Rename(whole, kept) // another app may read it right now
}

// same reports whether two files have the same content.
func same(binary, kept string) bool {
	a, errA := os.ReadFile(binary) //nolint:gosec // binaries of this package
	b, errB := os.ReadFile(kept)   //nolint:gosec // the same
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// copyFile copies a program.
func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // a binary of this package
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
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
