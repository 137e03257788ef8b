// Package calls keeps the calls that the functions made in the end-to-end tests, so that policies can be held against
// them without a deployment.
package calls

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/ce873799/replayable-ingestion/dev/iam"
)

//go:embed calls.json
var file []byte

// Read returns the calls in order.
func Read() (all []iam.Call, err error) {
	return all, json.Unmarshal(file, &all)
}

// Write replaces the calls, from a test of a package beside this one. It takes them in any order, also twice.
func Write(all []iam.Call) error {
	slices.SortFunc(all, iam.Compare)
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, c := range slices.Compact(all) {
		b, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if i > 0 {
			out.WriteString(",\n")
		}
		out.WriteString("  " + string(b))
	}
	out.WriteString("\n]\n")
	return os.WriteFile(filepath.Join("..", "calls", "calls.json"), out.Bytes(), 0o600)
}
