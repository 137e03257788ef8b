// Package config defines the environment of every function: the construct encodes it, the handler decodes it.
//
// It uses the standard library only, because the construct and the Lambdas both import it. String fields may hold
// CDK tokens when encoded.
package config

import "time"

// Record configures the first state's function.
type Record struct {
	EventLogBucket string // name of the versioned bucket
	LedgerTable    string // name of the DynamoDB table
	ResourceIDPath string // RFC 9535 JSONPath, singular
	OwnerIDPath    string // RFC 9535 JSONPath, singular; empty: events have no owner
	MaxEventBytes  int    // largest event accepted, in bytes
}

func (c *Record) fields() []field {
	return []field{
		text("EVENT_LOG_BUCKET", &c.EventLogBucket),
		text("LEDGER_TABLE", &c.LedgerTable),
		text("RESOURCE_ID_PATH", &c.ResourceIDPath),
		optionalText("OWNER_ID_PATH", &c.OwnerIDPath),
		number("MAX_EVENT_BYTES", &c.MaxEventBytes),
	}
}

// Env returns the variables that LoadRecord reads.
func (c Record) Env() map[string]string { return encode(c.fields()) }

// LoadRecord decodes the environment. The error names every invalid variable.
func LoadRecord(getenv func(string) string) (c Record, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}

// Publish configures the last state's function.
type Publish struct {
	EventLogBucket string
	LedgerTable    string
	TopicARN       string
	StoreOutputs   bool // keep each output under outputs/<execution name>
	SupersedeOlder bool // an automatic replay does not publish if a newer version was published
}

func (c *Publish) fields() []field {
	return []field{
		text("EVENT_LOG_BUCKET", &c.EventLogBucket),
		text("LEDGER_TABLE", &c.LedgerTable),
		text("TOPIC_ARN", &c.TopicARN),
		flag("STORE_OUTPUTS", &c.StoreOutputs),
		flag("SUPERSEDE_OLDER", &c.SupersedeOlder),
	}
}

// Env returns the variables that LoadPublish reads.
func (c Publish) Env() map[string]string { return encode(c.fields()) }

// LoadPublish decodes the environment. The error names every invalid variable.
func LoadPublish(getenv func(string) string) (c Publish, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}

// Tracker configures the function that records in the ledger how executions end.
type Tracker struct {
	LedgerTable      string
	StateMachineARN  string
	SeriesMachineARN string // runs the versions of a resource one after the other
	ReplayQueueURL   string
}

func (c *Tracker) fields() []field {
	return []field{
		text("LEDGER_TABLE", &c.LedgerTable),
		text("STATE_MACHINE_ARN", &c.StateMachineARN),
		text("SERIES_MACHINE_ARN", &c.SeriesMachineARN),
		text("REPLAY_QUEUE_URL", &c.ReplayQueueURL),
	}
}

// Env returns the variables that LoadTracker reads.
func (c Tracker) Env() map[string]string { return encode(c.fields()) }

// LoadTracker decodes the environment. The error names every invalid variable.
func LoadTracker(getenv func(string) string) (c Tracker, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}

// AutoReplay configures the scheduled function.
type AutoReplay struct {
	Enabled            bool // false: reconcile and quarantine, start nothing
	EventLogBucket     string
	LedgerTable        string
	StateMachineARN    string
	SeriesMachineARN   string
	DeadLetterQueueURL string
	ReplayQueueURL     string
	ResourceIDPath     string
	OwnerIDPath        string
	SupersedeOlder     bool
	CloseSuperseded    bool     // moves failures out of the quarantine when a newer event has succeeded
	RetryOn            []string // globs of error names that are retriable
	DoNotRetryOn       []string // globs of error names that are not, even if RetryOn matches
	MaxAttempts        int      // automatic replays of one event
	BackoffBase        time.Duration
	BackoffRate        float64 // factor per attempt
	MaxBackoff         time.Duration
	MaxAge             time.Duration // of the first failure
	SettleAfter        time.Duration // age at which an open execution is looked up
	UnaccountedAfter   time.Duration // age at which an event with an unknown outcome is reported
	Interval           time.Duration // from one run to the next
	CanaryThreshold    int           // if more failures have the same error, they are held and probed
	StartsPerSecond    float64       // of all replays together: MaxReplayShare of the account's rate
	PauseAlarm         string        // name of the alarm that pauses all starts; empty: none
}

func (c *AutoReplay) fields() []field {
	return []field{
		flag("AUTO_REPLAY", &c.Enabled),
		text("EVENT_LOG_BUCKET", &c.EventLogBucket),
		text("LEDGER_TABLE", &c.LedgerTable),
		text("STATE_MACHINE_ARN", &c.StateMachineARN),
		text("SERIES_MACHINE_ARN", &c.SeriesMachineARN),
		text("DEAD_LETTER_QUEUE_URL", &c.DeadLetterQueueURL),
		text("REPLAY_QUEUE_URL", &c.ReplayQueueURL),
		text("RESOURCE_ID_PATH", &c.ResourceIDPath),
		optionalText("OWNER_ID_PATH", &c.OwnerIDPath),
		flag("SUPERSEDE_OLDER", &c.SupersedeOlder),
		flag("CLOSE_SUPERSEDED", &c.CloseSuperseded),
		list("RETRY_ON", &c.RetryOn),
		list("DO_NOT_RETRY_ON", &c.DoNotRetryOn),
		number("MAX_ATTEMPTS", &c.MaxAttempts),
		duration("BACKOFF_BASE", &c.BackoffBase),
		factor("BACKOFF_RATE", &c.BackoffRate),
		duration("MAX_BACKOFF", &c.MaxBackoff),
		duration("MAX_AGE", &c.MaxAge),
		duration("SETTLE_AFTER", &c.SettleAfter),
		duration("UNACCOUNTED_AFTER", &c.UnaccountedAfter),
		duration("INTERVAL", &c.Interval),
		number("CANARY_THRESHOLD", &c.CanaryThreshold),
		rate("STARTS_PER_SECOND", &c.StartsPerSecond),
		optionalText("PAUSE_ALARM", &c.PauseAlarm),
	}
}

// Env returns the variables that LoadAutoReplay reads.
func (c AutoReplay) Env() map[string]string { return encode(c.fields()) }

// LoadAutoReplay decodes the environment. The error names every invalid variable.
func LoadAutoReplay(getenv func(string) string) (c AutoReplay, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}

// ReplayHandler configures the function behind the replay API.
type ReplayHandler struct {
	EventLogBucket     string
	LedgerTable        string
	ReplayQueueURL     string
	DeadLetterQueueURL string
	ResourceIDPath     string  // a corrected event must be one of the same resource
	OwnerIDPath        string  // empty: events have no owner
	MaxEventBytes      int     // largest corrected event, in bytes
	Redrivable         bool    // false: a failed execution must be run anew
	StartsPerSecond    float64 // of all replays together: MaxReplayShare of the account's rate, for estimates

	RequestedStartsPerSecond float64 // MaxRequestedShare, for replays that ask for more; 0: they share the one above

	Transforms []string // names of the functions that replays may transform events with
}

func (c *ReplayHandler) fields() []field {
	return []field{
		text("EVENT_LOG_BUCKET", &c.EventLogBucket),
		text("LEDGER_TABLE", &c.LedgerTable),
		text("REPLAY_QUEUE_URL", &c.ReplayQueueURL),
		text("DEAD_LETTER_QUEUE_URL", &c.DeadLetterQueueURL),
		text("RESOURCE_ID_PATH", &c.ResourceIDPath),
		optionalText("OWNER_ID_PATH", &c.OwnerIDPath),
		number("MAX_EVENT_BYTES", &c.MaxEventBytes),
		flag("REDRIVABLE", &c.Redrivable),
		rate("STARTS_PER_SECOND", &c.StartsPerSecond),
		optionalRate("REQUESTED_STARTS_PER_SECOND", &c.RequestedStartsPerSecond),
		optionalList("TRANSFORMS", &c.Transforms),
	}
}

// Env returns the variables that LoadReplayHandler reads.
func (c ReplayHandler) Env() map[string]string { return encode(c.fields()) }

// LoadReplayHandler decodes the environment. The error names every invalid variable.
func LoadReplayHandler(getenv func(string) string) (c ReplayHandler, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}

// ReplayListener configures the function that starts replays. It binds versions too, as that of the Series state
// machine.
type ReplayListener struct {
	ReplaySeries

	SeriesMachineARN string
	SupersedeOlder   bool
}

func (c *ReplayListener) fields() []field {
	return append(c.ReplaySeries.fields(),
		text("SERIES_MACHINE_ARN", &c.SeriesMachineARN),
		flag("SUPERSEDE_OLDER", &c.SupersedeOlder),
	)
}

// Env returns the variables that LoadReplayListener reads.
func (c ReplayListener) Env() map[string]string { return encode(c.fields()) }

// LoadReplayListener decodes the environment. The error names every invalid variable.
func LoadReplayListener(getenv func(string) string) (c ReplayListener, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}

// ReplaySeries configures the function that the Series state machine asks about each version.
type ReplaySeries struct {
	EventLogBucket  string
	LedgerTable     string
	StateMachineARN string
	ReplayQueueURL  string
	TopicARN        string
	ResourceIDPath  string  // a patched event must be one of the same resource
	MaxEventBytes   int     // largest patched event, in bytes
	StartsPerSecond float64 // of all replays together: MaxReplayShare of the account's rate

	RequestedStartsPerSecond float64 // MaxRequestedShare, for replays that ask for more; 0: they share the one above

	Transforms map[string]string // ARNs of the functions that replays may transform events with, by name
}

func (c *ReplaySeries) fields() []field {
	return []field{
		text("EVENT_LOG_BUCKET", &c.EventLogBucket),
		text("LEDGER_TABLE", &c.LedgerTable),
		text("STATE_MACHINE_ARN", &c.StateMachineARN),
		text("REPLAY_QUEUE_URL", &c.ReplayQueueURL),
		text("TOPIC_ARN", &c.TopicARN),
		text("RESOURCE_ID_PATH", &c.ResourceIDPath),
		number("MAX_EVENT_BYTES", &c.MaxEventBytes),
		rate("STARTS_PER_SECOND", &c.StartsPerSecond),
		optionalRate("REQUESTED_STARTS_PER_SECOND", &c.RequestedStartsPerSecond),
		optionalTexts("TRANSFORMS", &c.Transforms),
	}
}

// Env returns the variables that LoadReplaySeries reads.
func (c ReplaySeries) Env() map[string]string { return encode(c.fields()) }

// LoadReplaySeries decodes the environment. The error names every invalid variable.
func LoadReplaySeries(getenv func(string) string) (c ReplaySeries, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}
