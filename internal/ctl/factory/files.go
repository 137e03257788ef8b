package factory

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
)

// Open opens a file that flag, or an argument, names; - is standard input.
func (p Process) Open(flag, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.In), nil
	}
	file, err := os.Open(name) //nolint:gosec // the user's choice
	if err != nil && strings.HasPrefix(flag, "-") {
		return nil, exit.Usagef("%s: %w", flag, err)
	}
	if err != nil {
		return nil, exit.Usagef("%w", err)
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		_ = file.Close() // nothing was read
		return nil, exit.Usagef("%s: %s is a directory: name a file, or - for standard input", flag, name)
	}
	return file, nil
}

// Content is the value of a flag that may be given as @FILE, @- for standard input.
func (p Process) Content(flag, value string) ([]byte, error) {
	name, is := strings.CutPrefix(value, "@")
	if !is {
		return []byte(value), nil
	}
	file, err := p.Open(flag, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read to its end
	b, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("%s: read %s: %w", flag, name, err)
	}
	return b, nil
}
