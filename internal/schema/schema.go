// Package schema names the keys and indexes of the ledger table.
//
// The construct, which creates the table, and the ledger adapter, which reads and writes it, both use these names. The
// package has no imports, so the construct does not depend on the AWS SDK.
package schema

// Key attributes of the table. Both are strings.
const (
	PartitionKey = "pk"
	SortKey      = "sk"
)

// TTL is the attribute that DynamoDB's time to live reads: seconds since the epoch, set on bookkeeping rows only.
const TTL = "expiresAt"

// Index is a sparse global secondary index: a row is in it only if it carries both key attributes. All of them project
// keys only. A status change of a row does not write to an index that does not depend on the status.
type Index struct {
	Name         string
	PartitionKey string
	SortKey      string
}

// The indexes, by access pattern.
var (
	// ByResource lists what happened to a resource in time order: its executions and its failures.
	ByResource = Index{Name: "byResource", PartitionKey: "rpk", SortKey: "rsk"}
	// ByTime lists work that waits for a time: open executions by start, failures by due time.
	ByTime = Index{Name: "byTime", PartitionKey: "tpk", SortKey: "tsk"}
	// ByGroup lists members of a group: quarantined failures, items of a replay by outcome, replays newest first.
	ByGroup = Index{Name: "byGroup", PartitionKey: "gpk", SortKey: "gsk"}
)

// Indexes returns every index of the table, in a fixed order.
func Indexes() []Index {
	return []Index{ByResource, ByTime, ByGroup}
}

// Prefixes of the event log bucket.
const (
	// EventsPrefix holds one object per resource; its versions are the resource's history.
	EventsPrefix = "events/"
	// OutputsPrefix holds one object per execution that reached Publish, with StoreOutputs: the workflow's output.
	OutputsPrefix = "outputs/"
	// DerivedPrefix holds the event of a replay that a transform changed, or that does not fit into its execution's
	// input.
	DerivedPrefix = "derived/"
	// UnrecordedPrefix holds the inputs of failed executions that never reached the log.
	UnrecordedPrefix = "unrecorded/"
	// ReplaysPrefix holds accepted replay requests, and the evidence of replays that have ended.
	ReplaysPrefix = "replays/"
)

// Names of the states that the construct adds to a workflow.
const (
	RecordState  = "Record"
	PublishState = "Publish"
)

// EnvelopeKey is the reserved key of an execution input that marks it as a replay.
const EnvelopeKey = "replayableIngestion"
