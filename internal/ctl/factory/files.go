package factory

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
)

// Open opens a file that was named on the command line; - is standard input.
func (f *Factory) Open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(f.Process.In), nil
	}
	file, err := os.Open(name) //nolint:gosec // the user's choice
	if err != nil {
		return nil, &exit.Error{Code: exit.Usage, Err: err}
	}
	return file, nil
}

// Content is the value of a flag that may be given as @FILE, @- for standard input.
func (f *Factory) Content(flag, value string) ([]byte, error) {
	name, is := strings.CutPrefix(value, "@")
	if !is {
		return []byte(value), nil
	}
	file, err := f.Open(name)
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
