package replay

import (
	"encoding/json"
	"time"
)

// Action says what a replay does with each version.
type Action string

// Actions.
const (
	Rerun     Action = "rerun"     // runs the workflow again; the default
	Republish Action = "republish" // sends the stored output of the version's last success to the topic again
	Correct   Action = "correct"   // records a corrected version and runs it: of POST /versions, not of POST /replays
	Redrive   Action = "redrive"   // goes on with the failed execution from the state that failed, by RedriveExecution
)

// Request is the body of POST /replays. The zero value is invalid: Select and Reason are required. Decode fills in the
// defaults; in JSON a field that is null counts as absent.
//
// Wherever a request has a time, it may be given as RFC 3339 or relative to now, see ParseTime. A decoded request has
// absolute times: UTC, in whole milliseconds.
type Request struct {
	Action           Action     `json:"action,omitempty"` // default: Rerun
	Select           Select     `json:"select"`
	Versions         Versions   `json:"versions,omitzero"`          // default: LatestVersion; FailedVersion with Select.Failures or Redrive
	Transform        *Transform `json:"transform,omitempty"`        // of each event before it runs; not with Republish and Redrive; default: none
	Publish          Publish    `json:"publish,omitempty"`          // default: PublishNormal, the only one with Republish and Redrive
	Target           string     `json:"target,omitempty"`           // message attribute "target": 1 to MaxTargetBytes; not with Redrive
	AllowStale       bool       `json:"allowStale"`                 // also versions older than one that has succeeded; default: false
	MaxPerSecond     int        `json:"maxPerSecond,omitempty"`     // starts, averaged over 60 s: 1 to MaxPerSecond; 0: the pace of all replays
	IgnorePauseAlarm bool       `json:"ignorePauseAlarm,omitempty"` // goes on while PauseAlarm is in ALARM, at the whole pace; default: false
	MaxItems         int        `json:"maxItems,omitempty"`         // 1 to MaxItems; 0: no bound; required with Select.All
	MaxFailures      *int       `json:"maxFailures,omitempty"`      // more failed items halt the replay: 0 to MaxItems; nil: any number
	Ramp             *Ramp      `json:"ramp,omitempty"`             // begins with few resources; not with Republish; nil: all may start
	DryRun           bool       `json:"dryRun"`                     // ends as PLANNED, starts nothing; default: false
	Reason           string     `json:"reason"`                     // one line, 1 to MaxReasonBytes

	Apply *Apply `json:"apply,omitempty"` // the plan that this replay applies; nil: none
}

// Apply names a plan to run: the versions that a dry run planned, and no others. In a request it stands alone. In an
// answer, the other fields are those of the plan's request.
type Apply struct {
	PlanID   string `json:"planId"`   // replay id of the dry run
	PlanHash string `json:"planHash"` // Plan.PlanHash: of the plan that was reviewed
}

// Publish says whether the workflow's output goes to the topic.
type Publish string

// Publish modes.
const (
	PublishNormal   Publish = "normal"   // the default
	PublishSuppress Publish = "suppress" // the workflow runs, its output is stored and not published
)

// Select names the resources to replay, and which of their versions. All that is given must hold. At least one of the
// first four fields is set, and All alone of them. Outcome and Where are about the version that Versions names: a
// resource whose version they do not fit is left out, as are such versions of a series.
type Select struct {
	ResourceIDs []string       `json:"resourceIds,omitempty"` // 1 to MaxResourceIDs; repeated ids count once
	OwnerID     string         `json:"ownerId,omitempty"`     // every resource of an owner
	All         bool           `json:"all,omitempty"`         // every resource; needs MaxItems
	Failures    *FailureFilter `json:"failures,omitempty"`    // what is in the quarantine
	Recorded    *Window        `json:"recorded,omitempty"`    // only versions recorded in the window are candidates
	Outcome     VersionOutcome `json:"outcome,omitempty"`     // only versions of which this became
	Where       string         `json:"where,omitempty"`       // only events that this filter fits: 1 to MaxWhereBytes
}

// Filters reports whether versions have to be looked at to know whether they are selected.
func (s Select) Filters() bool { return s.Outcome != "" || s.Where != "" }

// FailureFilter narrows the quarantine. The zero value selects all of it. All that is given must hold. Since is before
// Until where both are set.
type FailureFilter struct {
	Error string     `json:"error,omitempty"` // glob of error names, see path.Match: 1 to MaxTargetBytes; empty: every error
	State string     `json:"state,omitempty"` // glob of the names of states that failed: 1 to MaxTargetBytes; empty: every state
	Cause string     `json:"cause,omitempty"` // what the cause has somewhere in its first 1,024 bytes: 1 to MaxTargetBytes
	Since *time.Time `json:"since,omitempty"` // failed at this time or after
	Until *time.Time `json:"until,omitempty"` // failed before this time
}

// Window is a time range: From is included, To is not and comes after it. One of them may be nil.
type Window struct {
	From *time.Time `json:"from,omitempty"`
	To   *time.Time `json:"to,omitempty"`
}

// Contains reports whether a time is in the window. A nil window contains every time.
func (w *Window) Contains(t time.Time) bool {
	return w == nil || (w.From == nil || !t.Before(*w.From)) && (w.To == nil || t.Before(*w.To))
}

// VersionMode says which versions of a resource are replayed.
type VersionMode string

// Version modes.
const (
	LatestVersion VersionMode = "latest" // the newest when the item starts; the default
	FailedVersion VersionMode = "failed" // the one that failed; only with Select.Failures or Redrive, and their default
	VersionIDs    VersionMode = "ids"    // named ones of exactly one resource
	VersionSeries VersionMode = "series" // several of each resource, oldest first, one after the other
	VersionAsOf   VersionMode = "asOf"   // the newest that was recorded at a time or before
)

// Versions says which versions of each resource are replayed. As JSON it is "latest", "failed", {"ids": [...]},
// {"asOf": time} or {"series": "all" | {"last": N} | {"from": bound, "to": bound}, "onFailure": "stop" | "continue"};
// onFailure goes with ids as well. Requests may have it inside the object of the series instead.
type Versions struct {
	Mode      VersionMode
	IDs       []string   // of VersionIDs: 1 to MaxSeriesVersions, each 1 to MaxVersionIDBytes; repeated ids count once
	AsOf      *time.Time // of VersionAsOf
	Series    *Series    // of VersionSeries
	OnFailure OnFailure  // of VersionSeries and VersionIDs, default: StopOnFailure; empty otherwise
}

// Several reports whether a resource may have several versions in the replay, which then run as a series.
func (v Versions) Several() bool { return v.Mode == VersionSeries || len(v.IDs) > 1 }

// OnFailure says what a series does after a version that failed.
type OnFailure string

// OnFailure modes.
const (
	StopOnFailure     OnFailure = "stop"     // the newer versions are skipped; the default
	ContinueOnFailure OnFailure = "continue" // the newer versions run all the same
)

// Series is a range of a resource's versions. The zero value is all of them.
type Series struct {
	Last int    // the newest so many: 1 to MaxSeriesVersions; 0: see From and To
	From *Bound // nil: from the oldest
	To   *Bound // nil: to the newest
}

// Bound is an end of a series: a version id, which is included, or a time; then a series begins at it and ends before
// it. As JSON it is a string: one that is not a time is a version id, of the one resource that the request selects by
// its id.
type Bound struct {
	VersionID string
	Time      *time.Time
}

// Transform changes events: exactly one of the first four fields is set. A patch and parameters have at most
// MaxTransformBytes as encoding/json writes them.
type Transform struct {
	MergePatch json.RawMessage `json:"mergePatch,omitempty"` // RFC 7396: a JSON object
	JSONPatch  json.RawMessage `json:"jsonPatch,omitempty"`  // RFC 6902: 1 to MaxPatchOperations operations
	JSONata    string          `json:"jsonata,omitempty"`    // an expression whose value is the new event: 1 to MaxJSONataBytes
	Function   string          `json:"function,omitempty"`   // name of a Lambda function of the ingestion: FunctionName
	Parameters json.RawMessage `json:"parameters,omitempty"` // of Function: a JSON object; default: none
}
