package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// functions are those of the construct, by short name.
var functions = []string{"Record", "Publish", "Tracker", "AutoReplay", "ReplayHandler", "ReplayListener", "Series"}

type logLine struct {
	function string
	text     string
	fields   map[string]any
}

// logLines reads what the construct's functions have logged.
func (y *system) logLines(t *testing.T) (lines []logLine) {
	t.Helper()
	for _, function := range functions {
		text, err := os.ReadFile(filepath.Join(y.LogDir, function+".log"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			l := logLine{function: function, text: line}
			if err := json.Unmarshal([]byte(line), &l.fields); err != nil {
				if strings.HasSuffix(line, "\n") { // else it is being written
					t.Fatalf("%s logs a line that is not JSON: %s", function, line)
				}
				continue
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// keys are those of log lines. What is the same has the same name everywhere.
var keys = strings.Fields(`timestamp level message requestId
	execution resourceId versionId replayId error messageId mode status attempt root state decision dueAt
	apiRequestId method resource action requestedBy reason selection dryRun by page ordinal index items versions failed
	deadLetters settled replayed probes held quarantined superseded waiting unaccounted restored errors paused
	storm threshold sent step succeeded nextAt executions stateMachineArn unrecorded`)

// checkLines checks the form of log lines: what Lambda reads is there, keys are known, and no event's data is among them.
func checkLines(t *testing.T, lines []logLine) {
	t.Helper()
	levels := map[any]int{}
	for _, l := range lines {
		if l.fields["_aws"] != nil || l.fields["type"] == "platform.error" { // metrics; the host's own
			continue
		}
		levels[l.fields["level"]]++
		text, _ := l.fields["timestamp"].(string)
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil || l.fields["message"] == "" || l.fields["requestId"] == nil {
			t.Errorf("%s logs a line without what every line has: %s", l.function, l.text)
		}
		for key := range l.fields {
			if !slices.Contains(keys, key) {
				t.Errorf("%s logs the key %s, which no other line has: %s", l.function, key, l.text)
			}
		}
		if strings.Contains(l.text, "livingAreaSqft") || strings.Contains(l.text, "98144") {
			t.Errorf("%s logs an event's data: %s", l.function, l.text)
		}
	}
	if levels["INFO"] == 0 || levels["WARN"] == 0 || levels["ERROR"] == 0 || len(levels) != 3 {
		t.Errorf("got lines of the levels %v, want INFO, WARN and ERROR", levels)
	}
}
