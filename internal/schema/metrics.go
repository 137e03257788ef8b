package schema

// Metrics of an ingestion are in this namespace and have this one dimension, whose value follows from the construct's
// path. A value that differs from event to event is not a dimension: each would be a metric, and billed as one.
const (
	MetricNamespace = "ReplayableIngestion"
	MetricDimension = "Ingestion"
)

// Metric is a metric that functions write and the construct offers, with its most useful statistic.
type Metric struct {
	Name      string
	Unit      string
	Statistic string
}

const (
	count   = "Count"
	seconds = "Seconds"
	percent = "Percent"
)

// The metrics, by writer. The function that made the change in the ledger writes a count, so a message that is
// delivered twice counts once.
var (
	// Recorded counts events that entered the log. By Record.
	Recorded = Metric{"Recorded", count, "Sum"}

	// Published counts outputs that an execution sent to the topic; PublishSuppressed those that were not sent because
	// the replay asked for that; PublishSuperseded those that were withheld: a newer version was published, or the
	// resource was deleted. By Publish.
	Published         = Metric{"Published", count, "Sum"}
	PublishSuppressed = Metric{"PublishSuppressed", count, "Sum"}
	PublishSuperseded = Metric{"PublishSuperseded", count, "Sum"}

	// FailureRate is the share of live executions that failed or timed out, among those that ended. By the function
	// that records the end: usually Tracker, and AutoReplay if EventBridge lost the event.
	FailureRate = Metric{"FailureRate", percent, "Average"}

	// Failures counts failed runs as they are written to the ledger; the next ones count their outcomes. AutoReplay
	// adds rows; Tracker, AutoReplay and ReplayListener move them.
	Failures     = Metric{"Failures", count, "Sum"}
	AutoReplayed = Metric{"AutoReplayed", count, "Sum"} // an automatic replay was sent
	Healed       = Metric{"Healed", count, "Sum"}
	FailedAgain  = Metric{"FailedAgain", count, "Sum"} // its replay or redrive failed, which is a separate failure
	Superseded   = Metric{"Superseded", count, "Sum"}
	Quarantined  = Metric{"Quarantined", count, "Sum"}
	Closed       = Metric{"Closed", count, "Sum"} // nothing to do: redriven with success, or stopped by an operator
	// TimeToHeal is from the first failure of an event to the end of the replay that healed it.
	TimeToHeal = Metric{"TimeToHeal", seconds, "p90"}

	// ReplayItems count the items of requested replays by outcome, dry runs included. By ReplayListener,
	// Tracker, Series and AutoReplay, with the counters of the replay.
	ReplayItemsStarted   = Metric{"ReplayItemsStarted", count, "Sum"}
	ReplayItemsSucceeded = Metric{"ReplayItemsSucceeded", count, "Sum"}
	ReplayItemsFailed    = Metric{"ReplayItemsFailed", count, "Sum"}
	ReplayItemsSkipped   = Metric{"ReplayItemsSkipped", count, "Sum"}
	ReplayItemsPlanned   = Metric{"ReplayItemsPlanned", count, "Sum"}
	ReplaysHalted        = Metric{"ReplaysHalted", count, "Sum"}
	// Republished counts outputs that were sent again without an execution. By ReplayListener and Series.
	Republished = Metric{"Republished", count, "Sum"}

	// AutoReplayRuns is 1 for each scheduled run that completed, the heartbeat. AutoReplaySeconds is how long it took.
	// Unaccounted and InQuarantine are gauges, and are written even when they are 0. By AutoReplay.
	AutoReplayRuns    = Metric{"AutoReplayRuns", count, "Sum"}
	AutoReplaySeconds = Metric{"AutoReplaySeconds", seconds, "Maximum"}
	Unaccounted       = Metric{"UnaccountedVersions", count, "Maximum"}
	InQuarantine      = Metric{"InQuarantine", count, "Maximum"}

	// ReplaysPaused and AutoReplayPaused are gauges of AutoReplay as well: 1 while all replays, or automatic ones, are
	// paused by a person or by PauseAlarm, otherwise 0. AutoReplayPaused is also 1 with AutoReplay: false.
	ReplaysPaused    = Metric{"ReplaysPaused", count, "Maximum"}
	AutoReplayPaused = Metric{"AutoReplayPaused", count, "Maximum"}

	// DeadLettersLeft is also a gauge of AutoReplay: dead letters that a run tried to record and had to leave in the
	// queue. OutcomesStuck, by Tracker, and ReplaysStuck, by ReplayListener, are how long the message with the longest
	// retries has failed, 0 if none fails. SQS's own age does not show this, because it leaves out messages that were
	// received three times.
	DeadLettersLeft = Metric{"DeadLettersLeft", count, "Maximum"}
	OutcomesStuck   = Metric{"OutcomesStuck", seconds, "Maximum"}
	ReplaysStuck    = Metric{"ReplaysStuck", seconds, "Maximum"}

	// Errors counts log lines of level ERROR. By every function.
	Errors = Metric{"Errors", count, "Sum"}
)

// Metrics returns every metric, in a fixed order.
func Metrics() []Metric {
	return []Metric{
		Recorded, Published, PublishSuppressed, PublishSuperseded, FailureRate,
		Failures, AutoReplayed, Healed, FailedAgain, Superseded, Quarantined, Closed, TimeToHeal,
		ReplayItemsStarted, ReplayItemsSucceeded, ReplayItemsFailed, ReplayItemsSkipped, ReplayItemsPlanned, ReplaysHalted, Republished,
		AutoReplayRuns, AutoReplaySeconds, Unaccounted, InQuarantine, ReplaysPaused, AutoReplayPaused,
		DeadLettersLeft, OutcomesStuck, ReplaysStuck, Errors,
	}
}

// MetricNamed returns the metric of a name, if there is one.
func MetricNamed(name string) (Metric, bool) {
	for _, m := range Metrics() {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}
