// Package ingestion holds ReplayableIngestion, an AWS CDK construct that makes a Step Functions workflow replayable.
//
// Every event that enters the workflow is kept in a versioned S3 bucket under the id of the resource it is about.
// Failed executions land in a dead-letter queue and are retried on a schedule when that can help. Anyone with
// permission can run the past again over an HTTP API.
//
//	listings := ingestion.NewReplayableIngestion(stack, jsii.String("Listings"), &ingestion.ReplayableIngestionProps{
//		Workflow:       ingestion.FromChainable(validate.Next(enrich)),
//		ResourceIdPath: jsii.String("$.listing.id"),
//		OwnerIdPath:    jsii.String("$.listing.agencyId"),
//	})
//	listings.GrantIngest(importer)
//
// # What it deploys
//
// A STANDARD state machine around the workflow, and a second one that replays several versions of a resource in order.
// A bucket for events, outputs and requests; a DynamoDB table, the ledger, for their outcomes; an SNS topic for
// results. Three queues: failures and ends of executions, which EventBridge rules fill, and replays to start. Seven
// functions in Go, a schedule, a REST API, alarms and a dashboard. Each of them is a field of [ReplayableIngestion], so
// that a stack can build on it: subscribe to Topic, give an alarm an action, add a method to Api.
//
// Nothing has a fixed name, so there may be several in a stack, several stacks in an app, and the same app several
// times in an account.
//
// # Defaults
//
// Two props are required, Workflow and ResourceIdPath. The defaults of the others are safe: everything that holds data
// is encrypted, private, reached by TLS only, and outlives the stack; each function has a role of its own, without
// wildcards where AWS offers anything narrower; the API takes signed requests only. [ReplayableIngestionProps] names
// each default. The construct never writes to the props.
//
// # The workflow
//
// The construct adds two states to the workflow, Record before its first and Publish after every open end. The states
// between see exactly the event, on a replay too, and may read what is known about it from the variable $ingestion:
// resourceId, ownerId, versionId, recordedAt and replay. A Succeed state ends without publishing, and so does an end
// that only a Catch leads to. [FromChainable] takes CDK states, [FromDefinition] and [FromDefinitionFile] the Amazon
// States Language, [FromStateMachine] an existing state machine. [IsReplay] tells a replay from a first run, for side
// effects that must not repeat.
//
// # Events
//
// Producers call StartExecution on the StateMachine with the event as input. An event is at most 256,000 bytes, or
// 128,000 when the workflow is an existing state machine, 64,000 when that is EXPRESS. Execution names are the
// producer's choice, up to 80 characters. Names that begin with "rp-" or "ar-" belong to replays, with "rs-" to series.
//
// # Failures
//
// An execution that fails has the error of the state that failed. At each AutoReplayInterval, AutoReplayFunction takes
// every failure into the ledger, also those that no status event reported, and decides. A failure whose resource has a
// newer event is superseded. One with a retriable error is replayed, with backoff and at most MaxAttempts times; when
// many share their error, one of them goes first. All others are quarantined: kept, with error and cause, until a
// person replays them. UnaccountedAlarm goes off when the outcome of an event is unknown.
//
// # Grants and metrics
//
// [ReplayableIngestion.GrantIngest] lets a producer send events, [ReplayableIngestion.GrantReplay] a caller start and
// follow replays, [ReplayableIngestion.GrantReadHistory] read events and failures. [ReplayableIngestion.Metric] returns
// a metric for alarms and dashboards; its options may be nil.
//
// # Functions
//
// The functions are compiled while the app synthesizes, by package golambda, from this module's source in the module
// cache, which needs the go command and no Docker. [FunctionCode] gives them ready code instead. Tests skip compiling
// with the context "aws:cdk:bundling-stacks": [].
//
// # Versions
//
// Construct ids are part of the API: a release that changes the logical id of a resource says so. docs/versioning.md
// says what else is part of it, and what an upgrade does to executions that run.
//
// # Errors
//
// Like CDK's own, the constructor panics when props are invalid. It does so before it creates anything, and the
// message lists every problem.
package ingestion
