package domain

import (
	"encoding/json"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Item is the row of one version of a resource in a replay. Until the version is known, it stands for the resource.
type Item struct {
	ReplayID   string         `row:"replayId"`
	Page       int            `row:"page"`
	Ordinal    int            `row:"ordinal"`         // position in the page
	Index      int            `row:"index,omitempty"` // position in the series of the resource's versions
	ResourceID string         `row:"resourceId"`
	Outcome    replay.Outcome `row:"outcome"`
	VersionID  string         `row:"versionId,omitempty"` // bound before the execution is started
	Execution  string         `row:"execution,omitempty"` // bound with the version; from then on, the item will start
	Want       string         `row:"want,omitempty"`      // the version to bind, if the selection named it
	Failure    string         `row:"failure,omitempty"`   // id of the failure that was selected
	Planned    string         `row:"planned,omitempty"`   // position of the item in the plan that is applied
	Diff       string         `row:"diff,omitempty"`      // of a plan: what the transform does
	Warning    string         `row:"warning,omitempty"`   // of a plan: why running it may not be intended
	Digest     string         `row:"digest,omitempty"`    // SHA-256 of the event that runs, in a plan or as planned; empty for a recorded event
	ARN        string         `row:"arn,omitempty"`
	Reason     string         `row:"reason,omitempty"`
	StartedAt  Stamp          `row:"startedAt,omitempty"`
	EndedAt    Stamp          `row:"endedAt,omitempty"`

	JustBound bool `row:"-"` // by this delivery: no other one has done anything with it
}

// Position is the position of an item in its replay.
type Position struct{ Page, Ordinal, Index int }

// Position returns the position of an item.
func (i Item) Position() Position { return Position{Page: i.Page, Ordinal: i.Ordinal, Index: i.Index} }

// Shown is the item as the API returns it.
func (i Item) Shown() replay.Item {
	return replay.Item{
		ResourceID: i.ResourceID, Outcome: i.Outcome, VersionID: i.VersionID, ExecutionARN: i.ARN,
		Reason: i.Reason, StartedAt: i.StartedAt.Pointer(), EndedAt: i.EndedAt.Pointer(), Diff: json.RawMessage(i.Diff),
		Warning: i.Warning,
	}
}

// ItemChange is a new outcome for an item that was read before.
type ItemChange struct {
	Item      Item
	To        replay.Outcome
	Reason    string
	VersionID string // if it is known and not bound

	ResourceID string // the same
	Diff       string
	Warning    string
	Digest     string
	ARN        string // of the item's execution; empty: it was never started
	At         Stamp
}

// Undone reports whether an item that was about to start did not.
func (ch ItemChange) Undone() bool {
	return ch.Item.Outcome == replay.Started && ch.To == replay.Skipped
}

// Tally is what the change adds to the tally of the replay. An execution can end before the listener notes its start,
// so an outcome may count a start too. An item without an execution, whose message was given up, was never started.
func (ch ItemChange) Tally() (t Tally) {
	if ch.Item.Outcome == replay.Waiting && ch.ARN != "" {
		t.Started++
	}
	if ch.Undone() {
		t.Started--
	}
	switch ch.To {
	case replay.Skipped:
		t.Skipped++
	case replay.Succeeded:
		t.Succeeded++
	case replay.Failed:
		t.Failed++
	case replay.WouldRun:
		t.Planned++
		if ch.Warning != "" {
			t.Warned++
		}
	}
	return t
}
