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
// producer's choice, up to 80 characters; names that begin with "rp-" and "ar-" are those of replays.
//
// # Errors
//
// Like CDK's own, the constructor panics when props are invalid. It does so before it creates anything, and the
// message lists every problem.
package ingestion
