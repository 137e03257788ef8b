package versions

import (
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Color goes with an outcome.
func Color(outcome string) output.Color {
	switch outcome {
	case "SUCCEEDED":
		return output.Green
	case "FAILED", "TIMED_OUT", "QUARANTINED":
		return output.Red
	case "ABORTED", "SUPERSEDED", "DELETED", "WAITING", "RETRYING", "UNKNOWN":
		return output.Yellow
	default:
		return output.Plain
	}
}

// maxRuns is how many executions of a version a table names.
const maxRuns = 3

// Runs says in short what ran a version, oldest first; of many, the newest.
func Runs(v replay.Version) string {
	var parts []string
	skipped := max(len(v.Executions)-maxRuns, 0)
	if skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d more", skipped))
	}
	for _, e := range v.Executions[skipped:] {
		part := Kind(e) + " " + e.Status
		switch {
		case v.Correction != nil && e.ReplayID == v.Correction.ReplayID && e.ReplayID != "":
			part = "correction " + e.Status
		case e.Patched:
			part += " (patched)"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// Kind is who started an execution, and which attempt of auto-replay it is.
func Kind(e replay.Execution) string {
	if e.Attempt > 0 {
		return fmt.Sprintf("%s %d", e.Kind, e.Attempt)
	}
	return e.Kind
}

// LastError is what a version failed with last, if it failed at all.
func LastError(v replay.Version) string {
	for i := len(v.Executions) - 1; i >= 0; i-- {
		if v.Executions[i].Error != "" {
			return v.Executions[i].Error
		}
	}
	if n := len(v.Failures); n > 0 {
		return v.Failures[n-1].Error
	}
	return ""
}
