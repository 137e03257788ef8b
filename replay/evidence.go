package replay

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"time"
)

// EvidenceVersion is the version of the format of Evidence. It goes up when a field changes its meaning.
const EvidenceVersion = 1

// Evidence is what is kept for good of a replay that has ended: who asked for what and why, how it ended, and a digest
// over its items. It is written once, and never changes. Dry runs have none.
type Evidence struct {
	Version     int        `json:"evidence"` // EvidenceVersion
	ReplayID    string     `json:"replayId"`
	Status      Status     `json:"status"`
	Action      Action     `json:"action"`
	Reason      string     `json:"reason"`
	RequestedBy string     `json:"requestedBy"`
	CreatedAt   time.Time  `json:"createdAt"`
	CompletedAt *time.Time `json:"completedAt"`
	Stopped     *Stop      `json:"stopped,omitempty"`
	Truncated   bool       `json:"truncated,omitempty"`
	Looked      int        `json:"looked,omitempty"`
	PlanID      string     `json:"planId,omitempty"` // of a replay that applied a plan
	PlanHash    string     `json:"planHash,omitempty"`
	Request     Request    `json:"request"` // with every default filled in and every time absolute
	Counts      Counts     `json:"counts"`

	Items    int              `json:"items"`            // that Digest covers: all of them
	Digest   string           `json:"digest"`           // see ItemsDigest
	Failed   []Item           `json:"failed,omitempty"` // the first of them, at most EvidenceSample
	Failures EvidenceFailures `json:"failures"`

	Software  Software  `json:"software"` // that wrote this
	WrittenAt time.Time `json:"writtenAt"`
}

// Software is what ran.
type Software struct {
	Release string `json:"release"` // of the construct
	Go      string `json:"go"`
}

// EvidenceFailures are failures before and after a replay. Before and After are about the whole ingestion: other
// replays, automatic ones and live events change them as well.
type EvidenceFailures struct {
	Selected []SelectedFailures `json:"selected,omitempty"` // of a replay that selects failures: exactly those
	Others   int                `json:"others,omitempty"`   // selected failures of further groups
	Before   *FailureCount      `json:"before,omitempty"`   // the last count before the request; nil: none is kept
	After    *FailureCount      `json:"after,omitempty"`    // when this was written
}

// SelectedFailures are selected failures that share an error and a state, and what became of them.
type SelectedFailures struct {
	Error string         `json:"error"`
	State string         `json:"state,omitempty"`
	Count int            `json:"count"`
	Now   map[string]int `json:"now"` // by status, as GET /versions has it
}

// FailureCount is how many failures there were at a time, by group.
type FailureCount struct {
	CountedAt time.Time      `json:"countedAt"`
	Total     int            `json:"total"`             // of all groups
	Groups    []FailureTotal `json:"groups"`            // the largest first, at most MaxFailureGroups
	Others    int            `json:"others,omitempty"`  // failures of further groups
	Partial   bool           `json:"partial,omitempty"` // there were more than could be counted
}

// FailureTotal counts failures that share a status, an error and the state that failed.
type FailureTotal struct {
	Status FailureStatus `json:"status"`
	Error  string        `json:"error"`
	State  string        `json:"state,omitempty"`
	Count  int           `json:"count"`
}

// ItemsDigest computes the digest of the items of a replay, in the order in which GET /replays/{replayId}/items lists
// them: SHA-256 over a line for each, the JSON array [resourceId, versionId, outcome, executionArn] without spaces, in
// which absent fields are empty strings.
type ItemsDigest struct {
	sum   hash.Hash
	lines *json.Encoder
}

// NewItemsDigest returns a digest over no items.
func NewItemsDigest() *ItemsDigest {
	d := &ItemsDigest{sum: sha256.New()}
	d.lines = json.NewEncoder(d.sum)
	d.lines.SetEscapeHTML(false)
	return d
}

// Add adds the next item.
func (d *ItemsDigest) Add(i Item) {
	if err := d.lines.Encode([]string{i.ResourceID, i.VersionID, string(i.Outcome), i.ExecutionARN}); err != nil {
		panic(err) // texts always marshal, and a hash takes what it is given
	}
}

// Sum returns the digest of the items so far, in hexadecimal.
func (d *ItemsDigest) Sum() string { return hex.EncodeToString(d.sum.Sum(nil)) }

var (
	_ encoding.BinaryMarshaler   = (*ItemsDigest)(nil)
	_ encoding.BinaryUnmarshaler = (*ItemsDigest)(nil)
)

// MarshalBinary keeps the state of a digest, for UnmarshalBinary to go on with.
func (d *ItemsDigest) MarshalBinary() ([]byte, error) {
	state, err := d.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("keep digest of items: %w", err)
	}
	return state, nil
}

// UnmarshalBinary takes up what MarshalBinary kept.
func (d *ItemsDigest) UnmarshalBinary(state []byte) error {
	*d = *NewItemsDigest()
	if err := d.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		return fmt.Errorf("take up digest of items: %w", err)
	}
	return nil
}
