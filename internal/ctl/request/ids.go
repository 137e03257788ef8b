package request

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/replay"
)

// maxLine is the longest line of a list of ids, a failure as JSON included.
const maxLine = 1 << 20

// readIDs reads resource ids: a line each, as they are or as JSON. JSON is a text, or an object with a resourceId, such
// as `replayctl failures --detail -o jsonl` writes. Empty lines, and lines that begin with #, are skipped.
func readIDs(r io.Reader, name string) (ids []string, err error) {
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := idOf(line)
		if err != nil {
			return nil, exit.Usagef("%s, line %d: %w", name, n, err)
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return ids, nil
}

func idOf(line string) (string, error) {
	if err := replay.CheckKeys([]byte(line)); err != nil && line[0] == '{' {
		return "", err
	}
	switch line[0] {
	case '"':
		var id string
		if err := json.Unmarshal([]byte(line), &id); err != nil {
			return "", fmt.Errorf("is not a JSON string: %w", err)
		}
		return id, nil
	case '{':
		var entry struct{ ResourceID *string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			return "", fmt.Errorf("is not a JSON object: %w", err)
		}
		if entry.ResourceID == nil {
			return "", fmt.Errorf("the object has no resourceId")
		}
		return *entry.ResourceID, nil
	default:
		return line, nil
	}
}
