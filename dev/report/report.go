// Package report writes what a run found out as a file under build/.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes a value as indented JSON, and makes the file's directory. Without a file it does nothing.
func Write(file string, v any) error {
	if file == "" {
		return nil
	}
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.WriteFile(file, append(body, '\n'), 0o600); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
