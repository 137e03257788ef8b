package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// LocalFile is where `make local` says what it has started.
const LocalFile = "build/local.json"

// AppFile is where replaydev says what it has started for the app of a directory, below the user's cache directory.
func AppFile(cache, dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(cache, "replayable-ingestion", "apps", hex.EncodeToString(sum[:6])+".json")
}

// LocalOf is the file of what runs for a directory: that of `make local`, or else that of replaydev.
func LocalOf(cache, dir string) string {
	if file := AppFile(cache, dir); cache != "" && !isThere(filepath.Join(dir, LocalFile)) && isThere(file) {
		return file
	}
	return LocalFile
}

func isThere(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Local is what runs on this machine.
type Local struct {
	EndpointURL string            `json:"endpointUrl"`
	Region      string            `json:"region"`
	Ingestions  []config.Manifest `json:"ingestions"` // their API URLs are callable from here
	Lacks       []Lack            `json:"lacks"`
}

// NotOfAWS is what doctor says of an answer that it cannot read.
const NotOfAWS = "the answer is not one of this service of AWS"

// Lack is something that this machine does not have and AWS does, as doctor sees it.
type Lack struct {
	Check string `json:"check"` // of doctor, or the beginning of several up to a dot
	Says  string `json:"says"`  // a part of what doctor says then
	Why   string `json:"why"`
}

// Is reports whether a check says what it says because of the lack.
func (l Lack) Is(check, says string) bool {
	return (check == l.Check || strings.HasPrefix(check, l.Check+".")) && strings.Contains(says, l.Says)
}

// ReadLocal reads what `make local` or replaydev wrote.
func ReadLocal(file string) (Local, error) {
	var l Local
	b, err := os.ReadFile(file) //nolint:gosec // the user's choice
	if errors.Is(err, fs.ErrNotExist) {
		return l, fmt.Errorf("nothing runs here: %w", err)
	}
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("read %s: %w", file, err)
	}
	return l, nil
}
