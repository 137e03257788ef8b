package replay

import "time"

// Limits of the event log and of a request. They are part of the contract: raising one is a minor change, lowering
// one is a breaking change.
const (
	// MaxEventBytes is the largest event that a workflow accepts. Step Functions allows 262,144 bytes for any input or
	// output of a state; the rest carries the context and the ingestion record that travel with the event.
	MaxEventBytes = 256_000

	// MaxExecutionInputBytes is the Step Functions limit on an execution's input: 262,144 bytes as UTF-8.
	MaxExecutionInputBytes = 262_144

	// MaxKeyBytes is the longest object key of the event log: S3's limit of 1,024 bytes, prefix included.
	MaxKeyBytes = 1_024

	// MaxOwnerBytes is the longest owner id, percent-encoded. S3 allows 2 KB for all user metadata of an object.
	MaxOwnerBytes = 1_024

	// MaxResourceIDs is the most resource ids that one request may name.
	MaxResourceIDs = 1_000

	// MaxReasonBytes is the longest reason. It travels as an SNS message attribute of every replayed event.
	MaxReasonBytes = 500

	// MaxPageSize is the most entries in one page of a list.
	MaxPageSize = 100

	// MaxSeriesVersions is the most versions of one resource in one replay: what one execution of the Series state
	// machine can hold, whose history has at most 25,000 events.
	MaxSeriesVersions = 1_000

	// MaxPerSecond is the highest bound on the starts of a replay per second.
	MaxPerSecond = 1_000

	// MaxItems is the highest bound on the items of a replay.
	MaxItems = 1_000_000

	// MaxVersionIDBytes is the longest version id: S3 User Guide, "Version IDs".
	MaxVersionIDBytes = 1_024

	// MaxTargetBytes is the longest target. It travels as an SNS message attribute.
	MaxTargetBytes = 256

	// MaxWhereBytes is the longest filter of events.
	MaxWhereBytes = 2_000

	// MaxJSONataBytes is the longest JSONata expression.
	MaxJSONataBytes = 8_000

	// MaxTransformBytes is the largest patch: no event may be larger.
	MaxTransformBytes = MaxEventBytes

	// MaxPatchOperations is the most operations of a JSON Patch.
	MaxPatchOperations = 1_000

	// MaxIdempotencyKeyBytes is the longest Idempotency-Key.
	MaxIdempotencyKeyBytes = 255

	// IdempotencyKeyLife is how long a key stands for its replay, and at least so: DynamoDB takes a few days to delete.
	IdempotencyKeyLife = 30 * 24 * time.Hour

	// MaxFaults is the most faults that an answer names. A body of 6 MB can have a million, an answer cannot.
	MaxFaults = 1_000

	// PlanLife is how long after its end a dry run may be applied.
	PlanLife = 24 * time.Hour

	// MaxFailureGroups is the most groups that failures are counted by.
	MaxFailureGroups = 200

	// TrendSpan is how long ago the counts are from that those of now are compared with.
	TrendSpan = time.Hour

	// EvidenceSample is the most failed items that Evidence shows.
	EvidenceSample = 20

	// PlanSample is the most items of each kind that a plan shows.
	PlanSample = 10
)
