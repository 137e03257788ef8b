package domain

import (
	"math"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Replay is the row of one replay. The request itself is in S3.
type Replay struct {
	ID           string        `row:"replayId"`
	Status       replay.Status `row:"status"`
	RequestedBy  string        `row:"requestedBy"`
	Action       replay.Action `row:"action"`
	DryRun       bool          `row:"dryRun,omitempty"`
	Reason       string        `row:"reason"`
	OwnerID      string        `row:"ownerId,omitempty"` // of the selection
	MaxItems     int           `row:"maxItems,omitempty"`
	MaxFailures  *int          `row:"maxFailures,omitempty"`
	MaxPerSecond int           `row:"maxPerSecond,omitempty"`
	CreatedAt    Stamp         `row:"createdAt"`
	CompletedAt  Stamp         `row:"completedAt,omitempty"`
	CheckAt      Stamp         `row:"-"`        // while it is open: when it is due for a check
	Pages        int           `row:"pages"`    // known so far
	Expanded     bool          `row:"expanded"` // no further page will be added
	Truncated    bool          `row:"truncated,omitempty"`

	// Tally is what the row itself counts: everything, once the replay has ended. Until then, the counters have the
	// rest.
	Tally

	Found  int  `row:"-"`                // resources of its pages, once it was counted; a series has several items
	Spread bool `row:"spread,omitempty"` // its counts are spread over counters; false for a replay of an earlier release
	Left   int  `row:"left,omitempty"`   // with MaxItems and Spread: how many items may still be added

	// Of a dry run, and of a replay that applies one.
	PlanHash  string `row:"planHash,omitempty"`  // empty: not computed yet
	HashingAt Stamp  `row:"hashingAt,omitempty"` // when work on the hash was last requested or done
	AppliedBy string `row:"appliedBy,omitempty"` // id of the replay that applied the plan
	PlanID    string `row:"planId,omitempty"`    // the plan that this replay applies

	// Of a replay that has ended.
	Evidence   string `row:"evidence,omitempty"`   // digest of its items, once replay.Evidence is in S3
	EvidenceAt Stamp  `row:"evidenceAt,omitempty"` // when work on the evidence was last requested or done

	// Of a replay that was stopped.
	StopStatus replay.Status `row:"stopStatus,omitempty"`
	StopBy     string        `row:"stopBy,omitempty"`
	StopAt     Stamp         `row:"stopAt,omitempty"`
	StopReason string        `row:"stopReason,omitempty"`
	SweepAt    Stamp         `row:"sweepAt,omitempty"` // when a sweep was last requested or at work
	SweptTo    string        `row:"sweptTo,omitempty"` // where the sweep goes on; empty: at the beginning
	SweptAt    Stamp         `row:"sweptAt,omitempty"` // when SweptTo was written
	Swept      bool          `row:"swept,omitempty"`   // the waiting items are skipped

	// Of a replay that is or was paused. Messages of a paused replay are deleted: the ledger has the waiting items, and
	// resuming sends messages for them again.
	PausedAt         Stamp  `row:"pausedAt,omitempty"` // zero: it is not paused by itself
	PausedBy         string `row:"pausedBy,omitempty"` // empty: its ramp paused it
	PauseReason      string `row:"pauseReason,omitempty"`
	ResumedAt        Stamp  `row:"resumedAt,omitempty"` // the last time
	ResumedBy        string `row:"resumedBy,omitempty"`
	Parked           bool   `row:"parked,omitempty"`   // a message of it was deleted, and must be sent again
	Resends          int    `row:"resends,omitempty"`  // how many resends have begun; only the newest one goes on
	ResendAt         Stamp  `row:"resendAt,omitempty"` // when the resend last made progress; zero: it is done
	ResendTo         string `row:"resendTo,omitempty"` // where it goes on; empty: at the beginning
	IgnorePauseAlarm bool   `row:"ignorePauseAlarm,omitempty"`

	Ramp
}

// ResendAgain is how long a resend must have made no progress before another message continues it.
const ResendAgain = time.Minute

// Paused reports whether a person paused this replay, or its ramp did.
func (r Replay) Paused() bool { return !r.PausedAt.IsZero() && !r.Stopped() && !r.Status.Final() }

// Stopped reports whether nothing more of the replay may start.
func (r Replay) Stopped() bool { return r.StopStatus != "" }

// Stop says how the replay was stopped; nil if it was not.
func (r Replay) Stop() *replay.Stop {
	if !r.Stopped() {
		return nil
	}
	return &replay.Stop{Status: r.StopStatus, By: r.StopBy, At: r.StopAt.Time, Reason: r.StopReason}
}

// TooManyFailed reports whether more items have failed than the request allows.
func (r Replay) TooManyFailed() bool { return r.MaxFailures != nil && r.Failed > *r.MaxFailures }

// ReasonToStop completes the reason for stopping the replay now: it adds that resources not yet listed have no item.
func (r Replay) ReasonToStop(reason string) string {
	if r.Expanded {
		return reason
	}
	return reason + "; it was still listing its resources, and those not listed by then have no item"
}

// Room returns how many items may still be added.
func (r Replay) Room() int {
	if r.MaxItems == 0 {
		return math.MaxInt
	}
	if r.Spread {
		return max(r.Left, 0)
	}
	return max(r.MaxItems-r.Matched, 0)
}

// Done reports whether every item has its outcome, if the tally counts all of them.
func (r Replay) Done() bool { return r.Expanded && r.Open() == 0 }

// Ending is the status that the replay gets when it ends.
func (r Replay) Ending() replay.Status {
	switch {
	case r.Stopped():
		return r.StopStatus
	case r.DryRun:
		return replay.Planned
	default:
		return replay.Completed
	}
}

// Page is a part of a replay's selection. It is bound when it is first found, so that a redelivered message finds the
// same page.
type Page struct {
	ReplayID string `row:"replayId"`
	Number   int    `row:"number"` // from 0
	Items    int    `row:"items"`
	Next     string `row:"next,omitempty"`     // cursor of the next page; empty: this is the last
	StartsAt Stamp  `row:"startsAt,omitempty"` // of a paced replay: when its first item may start
	Sent     bool   `row:"sent"`               // its messages are in the queue
	Looked   int    `row:"looked,omitempty"`   // events that the filters of the selection have read
	First    int    `row:"first,omitempty"`    // position of its first item among those of all pages
}

// Entry is what a page selects: a resource, and for a failure the version that failed.
type Entry struct {
	ResourceID string
	VersionID  string
	Failure    string // id of the failure
	Planned    string // position of the item in the plan that is applied
	Digest     string // of the item in the plan
}

// Claim is the row of an Idempotency-Key, with the replay or job of its first use.
type Claim struct {
	AcceptedID string `row:"replayId"` // of the replay or the job
	BodyHash   string `row:"bodyHash"`
	CreatedAt  Stamp  `row:"createdAt"` // relative times of the request count from here
	ExpiresAt  int64  `row:"expiresAt"` // schema.TTL: a caller without a response has long given up by then
}
