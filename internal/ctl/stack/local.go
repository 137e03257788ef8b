package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ce873799/replayable-ingestion/internal/manifest"
)

// LocalFile is where `make local` says what it has started.
const LocalFile = "build/local.json"

// Local is what runs on this machine.
type Local struct {
	EndpointURL string               `json:"endpointUrl"`
	Region      string               `json:"region"`
	Ingestions  []manifest.Ingestion `json:"ingestions"` // their API URLs are callable from here
}

// ReadLocal reads what `make local` wrote.
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
