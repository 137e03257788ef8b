package autoreplay

import (
	"fmt"
	"math"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Policy says which failures are replayed automatically, how often and when.
type Policy struct {
	Enabled     bool // false: nothing is started
	Errors      domain.RetryPolicy
	MaxAttempts int // automatic replays of one event
	BackoffBase time.Duration
	BackoffRate float64
	MaxBackoff  time.Duration
	MaxAge      time.Duration // since the first failure

	CanaryThreshold int           // more failures than that with the same error are held, and probed
	StartsPerSecond float64       // of all replays: their share of the account's rate
	Interval        time.Duration // from one run to the next

	SupersedeOlder  bool // a newer event supersedes the failure of an older one
	CloseSuperseded bool // takes failures out of the quarantine once a newer event has succeeded

	SettleAfter      time.Duration // age at which an execution without an outcome is looked up
	UnaccountedAfter time.Duration // age at which an execution whose outcome cannot be found is reported
}

// maxSpread is how far ahead the starts of a run are spread: SQS delays a message for 15 minutes at most.
const maxSpread = 15 * time.Minute

// starts returns how many automatic replays a run may send at a rate: as many as can start until the next run.
func (p Policy) starts(perSecond float64) int {
	return max(int(perSecond*min(p.Interval, maxSpread).Seconds()), 1)
}

// pauseBetweenProbes returns how long to wait after a number of failed probes in a row. It is exponential, and random
// in its upper half: a probe that comes too soon shows nothing.
func (p Policy) pauseBetweenProbes(misses int, random float64) time.Duration {
	return p.backoff(max(misses-1, 0), (1+random)/2)
}

// backoff returns how long to wait after a failure. It is exponential in the number of automatic replays so far, with
// full jitter: random is from 0 up to 1.
func (p Policy) backoff(attempt int, random float64) time.Duration {
	most := float64(p.BackoffBase) * math.Pow(p.BackoffRate, float64(attempt))
	return time.Duration(min(most, float64(p.MaxBackoff)) * random)
}

// quarantineReason returns why a failure is not replayed automatically, or "" if it is.
func (p Policy) quarantineReason(f domain.Failure, now time.Time) string {
	switch {
	case !p.Errors.Retriable(f.Error):
		return fmt.Sprintf("error %s is not retriable: correct the cause or the event, then replay it", f.Error)
	case f.Attempt >= p.MaxAttempts:
		return fmt.Sprintf("%d of %d automatic replays failed", f.Attempt, p.MaxAttempts)
	case now.Sub(f.FirstAt.Time) > p.MaxAge:
		return fmt.Sprintf("first failed at %s, more than %s ago", f.FirstAt, p.MaxAge)
	}
	return ""
}

// due returns when to decide on a new failure: at once if it must be quarantined.
func (p Policy) due(f domain.Failure, now time.Time, random float64) time.Time {
	if p.quarantineReason(f, now) != "" {
		return now
	}
	return f.FailedAt.Add(p.backoff(f.Attempt, random))
}
