// Package protocol defines what travels between functions: messages of the queues, inputs of executions, and what the
// states of a workflow hand to the functions that the construct adds.
//
// Consumers tell messages apart by their kind. They refuse a version that they do not know: a newer sender must not be
// misread.
package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// MessageVersion of the message formats.
const MessageVersion = 1

// Kinds of messages.
const (
	KindStatus   = "status"   // a state machine execution ended; from EventBridge
	KindExpand   = "expand"   // find a page of a replay's resources
	KindItem     = "item"     // replay one resource
	KindAuto     = "auto"     // replay a failure automatically
	KindSweep    = "sweep"    // skip what has not started of a replay that was stopped
	KindHash     = "hash"     // compute the hash of a plan
	KindJob      = "job"      // go on with a part of a job that closes or reopens failures
	KindResend   = "resend"   // send messages again for what waits in a replay: it was resumed, got another pace, or its ramp got on
	KindEvidence = "evidence" // write the evidence of a replay that has ended
	KindClose    = "close"    // record the outcome of what a series has left, after its execution ended
)

// ErrUnknownMessage means that a message is none of this package.
var ErrUnknownMessage = errors.New("unknown message")

// ReplayMessage is a message of the Replay queue; Kind says which fields it uses.
type ReplayMessage struct {
	V    int    `json:"v"`
	Kind string `json:"kind"`

	ReplayID string `json:"replayId,omitempty"` // expand, item, sweep, hash, resend, evidence
	Page     int    `json:"page,omitempty"`     // expand, item
	Ordinal  int    `json:"ordinal,omitempty"`  // item: place in the page
	Slot     int64  `json:"slot,omitempty"`     // item, auto: the start that is reserved for it, in seconds since the epoch
	Waits    int    `json:"waits,omitempty"`    // item, auto: how often in a row no start was free for it

	Cursor string   `json:"cursor,omitempty"` // item: where the search for its version goes on; sweep, hash, resend, evidence: where it does
	Found  []string `json:"found,omitempty"`  // item: versions of its series that were found up to there, newest first
	Begun  bool     `json:"begun,omitempty"`  // item: the newest end of its series was found
	Newest bool     `json:"newest,omitempty"` // item: the newest version of the resource is in its series

	Resend int `json:"resend,omitempty"` // resend: which time it is

	Sum []byte `json:"sum,omitempty"` // hash: its state after all that comes before the cursor

	Gathered json.RawMessage `json:"gathered,omitempty"` // evidence: of the items that come before the cursor

	From int `json:"from,omitempty"` // item, close: index of the version of its series where the work on it goes on

	JobID string `json:"jobId,omitempty"` // job
	Part  int    `json:"part,omitempty"`  // job

	Series string `json:"series,omitempty"` // close: name of its execution
	Reason string `json:"reason,omitempty"` // close: how it ended

	Tries int `json:"tries,omitempty"` // how often it was sent again because a service did not answer

	Revived int `json:"revived,omitempty"` // how often it was sent again after it had been a dead letter

	// Since is since when it has failed, in seconds since the epoch: SQS begins anew with each message sent.
	Since int64 `json:"since,omitempty"`

	Execution    string `json:"execution,omitempty"`    // auto: the execution that failed
	RedriveCount int    `json:"redriveCount,omitempty"` // auto
}

// Encode returns the body of a message.
func (m ReplayMessage) Encode() string {
	m.V = MessageVersion
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return string(b)
}

// DecodeReplayMessage reads a message of the Replay queue. It returns ErrUnknownMessage for anything else.
func DecodeReplayMessage(b string) (ReplayMessage, error) {
	var m ReplayMessage
	if err := json.Unmarshal([]byte(b), &m); err != nil {
		return ReplayMessage{}, fmt.Errorf("%w: %w", ErrUnknownMessage, err)
	}
	known := slices.Contains([]string{
		KindExpand, KindItem, KindAuto, KindSweep, KindResend, KindClose, KindHash, KindJob, KindEvidence,
	}, m.Kind)
	if m.V != MessageVersion || !known {
		return ReplayMessage{}, fmt.Errorf("%w: kind %q, version %d", ErrUnknownMessage, m.Kind, m.V)
	}
	return m, nil
}

// StatusMessage is the pointer that an EventBridge rule makes of a Step Functions status change. It names the execution
// and carries none of its data.
type StatusMessage struct {
	V               int    `json:"v"`
	Kind            string `json:"kind"`
	ExecutionARN    string `json:"executionArn"`
	Name            string `json:"name"`
	StateMachineARN string `json:"stateMachineArn"`
	Status          string `json:"status"`
	Error           string `json:"error"`
	StartDate       Millis `json:"startDate"`
	StopDate        Millis `json:"stopDate"`
	RedriveCount    Count  `json:"redriveCount"`
}

// DecodeStatusMessage reads a status message. It returns ErrUnknownMessage for anything else.
func DecodeStatusMessage(b string) (StatusMessage, error) {
	var m StatusMessage
	if err := json.Unmarshal([]byte(b), &m); err != nil {
		lenient, ok := lenientStatus(b)
		if !ok {
			return StatusMessage{}, fmt.Errorf("%w: %w", ErrUnknownMessage, err)
		}
		m = lenient
	}
	m.Error = withoutPlaceholder(m.Error)
	if m.V != MessageVersion || m.Kind != KindStatus || m.Name == "" || m.ExecutionARN == "" {
		return StatusMessage{}, fmt.Errorf("%w: kind %q, version %d", ErrUnknownMessage, m.Kind, m.V)
	}
	return m, nil
}

// Millis is a time in milliseconds since the epoch, as status events carry it. Absent, null and empty are zero.
type Millis struct{ time.Time }

// UnmarshalJSON reads a number, or a string that holds one.
func (m *Millis) UnmarshalJSON(b []byte) error {
	n, err := integer(b)
	if err == nil && n != 0 {
		m.Time = time.UnixMilli(n).UTC()
	}
	return err
}

// Count is a count that an input transformer may leave empty.
type Count int

// UnmarshalJSON reads a number, or a string that holds one. Absent, null and empty are zero.
func (c *Count) UnmarshalJSON(b []byte) error {
	n, err := integer(b)
	*c = Count(n)
	return err
}

func integer(b []byte) (int64, error) {
	s := string(bytes.Trim(b, `"`))
	if s == "" || s == "null" || placeholder.MatchString(s) {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("not a whole number: %q", s)
	}
	return n, nil
}
