package replay

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
)
