package replay

// VersionOutcome is what became of a version, in the words of a selection.
type VersionOutcome string

// What became of a version. What still runs or waits counts first, then a success, then how it ended last.
const (
	VersionOpen       VersionOutcome = "open"       // it runs, or its failure waits for an automatic replay
	VersionSucceeded  VersionOutcome = "succeeded"  // an execution of it succeeded, although a later one may have failed
	VersionFailed     VersionOutcome = "failed"     // it is in quarantine, or its last execution failed, timed out or was aborted
	VersionSuperseded VersionOutcome = "superseded" // its last execution gave way to a newer event
	VersionUnknown    VersionOutcome = "unknown"    // nothing is known to have run it
)

// VersionOutcomes lists what may become of a version.
func VersionOutcomes() []VersionOutcome {
	return []VersionOutcome{VersionOpen, VersionSucceeded, VersionFailed, VersionSuperseded, VersionUnknown}
}

// Status says what became of a version: a status of an execution or of a failure, DELETED or UNKNOWN. What still runs
// or waits counts first, then a success, then how the last execution ended. A success stays one, although a later
// replay of the version failed.
func (v Version) Status() string {
	if v.Deleted {
		return "DELETED"
	}
	last, succeeded := "UNKNOWN", false
	for _, e := range v.Executions {
		switch e.Status {
		case "STARTING", "RUNNING":
			return "RUNNING"
		case "SUCCEEDED":
			succeeded = true
		}
		last = e.Status
	}
	for _, f := range v.Failures {
		switch f.Status {
		case "WAITING", "RETRYING", "QUARANTINED":
			return f.Status
		}
	}
	if succeeded {
		return "SUCCEEDED"
	}
	return last
}

// Outcome says what became of a version in the words of a selection. It is empty for a delete marker.
func (v Version) Outcome() VersionOutcome {
	switch v.Status() {
	case "RUNNING", "WAITING", "RETRYING":
		return VersionOpen
	case "SUCCEEDED":
		return VersionSucceeded
	case "QUARANTINED", "FAILED", "TIMED_OUT", "ABORTED":
		return VersionFailed
	case "SUPERSEDED":
		return VersionSuperseded
	case "DELETED":
		return ""
	default:
		return VersionUnknown
	}
}
