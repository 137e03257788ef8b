package protocol

// These types are what the states of a workflow hand to the functions that the construct adds to it.

import (
	"encoding/json"
	"time"
)

// ExecutionContext identifies the execution that a state belongs to, from the context object.
type ExecutionContext struct {
	ARN          string    `json:"arn"`
	Name         string    `json:"name"`
	StartTime    time.Time `json:"startTime"`
	RedriveCount int       `json:"redriveCount"`
}

// RecordInput is the payload of the Record state.
type RecordInput struct {
	Input      json.RawMessage  `json:"input"` // the execution's input: an event, or a replay's envelope
	Execution  ExecutionContext `json:"execution"`
	RetryCount int              `json:"retryCount"` // of this state, from 0
}

// Repeated reports whether an earlier attempt may have recorded the event.
func (in RecordInput) Repeated() bool { return in.RetryCount > 0 || in.Execution.RedriveCount > 0 }

// RecordOutput is what Record hands on: the event to the user's states, the rest to the variable $ingestion.
type RecordOutput struct {
	Event     json.RawMessage  `json:"event"`
	Ingestion IngestionContext `json:"ingestion"`
}

// IngestionContext tells the user's states which version of which resource they work on.
type IngestionContext struct {
	ResourceID string         `json:"resourceId"`
	OwnerID    *string        `json:"ownerId"` // null: the event has no owner
	VersionID  string         `json:"versionId"`
	RecordedAt time.Time      `json:"recordedAt"`
	Replay     *ReplayContext `json:"replay"` // null: a live event
}

// ReplayContext tells the user's states why an event comes again.
type ReplayContext struct {
	Mode     string `json:"mode"` // auto or api
	ReplayID string `json:"replayId,omitempty"`
	Attempt  int    `json:"attempt,omitempty"`
	Reason   string `json:"reason"`

	CorrectionOf string `json:"correctionOf,omitempty"` // of an event that was corrected: id of the version that was wrong
}

// PublishInput is the payload of the Publish state.
type PublishInput struct {
	Output    json.RawMessage  `json:"output"` // what the user's last state returned
	Execution ExecutionContext `json:"execution"`
}
