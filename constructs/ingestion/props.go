package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
)

// ReplayableIngestionProps configures a ReplayableIngestion. Workflow and ResourceIdPath are required.
//
// Tokens are accepted where the value goes to CloudFormation as it is, and are not checked; AutoReplayInterval and
// the limits of automatic replays must be known when the app synthesizes.
type ReplayableIngestionProps struct {
	// Workflow is what happens to an event: FromChainable, FromDefinition, FromDefinitionFile or FromStateMachine.
	Workflow Workflow

	// ResourceIdPath finds the id of the resource in an event: an RFC 9535 JSONPath of member names and indexes,
	// such as $.listing.id. The id is a text or a whole number; its object key, "events/" and the id percent-encoded,
	// has at most 1,024 bytes.
	ResourceIdPath *string

	// OwnerIdPath finds the id of the resource's owner in an event, in the same way.
	//
	// Default: events have no owner; replays cannot select by one.
	OwnerIdPath *string

	// Timeout ends an execution that takes longer: 1 second or more. It fails with States.Timeout, which is retried.
	//
	// Default: none; a STANDARD execution may take a year.
	Timeout awscdk.Duration

	// EventLog is an existing bucket for the events. It must be versioned, and of this ingestion alone: two in one bucket
	// would take each other's events for their own. Its encryption, lifecycle and policy are its owner's business.
	//
	// Default: a new, versioned, private, encrypted bucket.
	EventLog awss3.IBucket

	// NoncurrentVersionExpiration deletes events that a newer event of the same resource replaced this long ago:
	// 1 to 36,500 days. The latest event of a resource is never deleted. Not with EventLog.
	//
	// Default: 90 days.
	NoncurrentVersionExpiration awscdk.Duration

	// NoncurrentVersionsToRetain keeps this many of the events that a newer one of the same resource replaced, the newest
	// of them, however old they are: a whole number from 1 to 100. The others expire. Not with EventLog.
	//
	// Default: none; all of them expire.
	NoncurrentVersionsToRetain *float64

	// NoncurrentVersionTransition moves events that were replaced to a colder storage class, before they expire: one that
	// a replay can read at once, INFREQUENT_ACCESS or ONE_ZONE_INFREQUENT_ACCESS after 30 days or more,
	// INTELLIGENT_TIERING or GLACIER_INSTANT_RETRIEVAL after 1 day or more. S3 moves no object under 128 KiB, so this is
	// for large events. Not with EventLog.
	//
	// Default: none; they stay in STANDARD.
	NoncurrentVersionTransition *awss3.NoncurrentVersionTransition

	// OutputExpiration deletes the outputs of executions this long after they were stored: 1 to 36,500 days. What is gone
	// cannot be published again; such an item fails with OutputGone. Not with EventLog.
	//
	// Default: none; they are kept.
	OutputExpiration awscdk.Duration

	// DerivedExpiration deletes the patched events of replays: 15 to 36,500 days. Until then, a failed replay can be
	// redriven, which Step Functions allows for 14 days. Not with EventLog.
	//
	// Default: 30 days.
	DerivedExpiration awscdk.Duration

	// UnrecordedExpiration deletes the inputs of executions whose events never reached the log, in quarantine or not:
	// 1 to 36,500 days. What is gone cannot be replayed. Not with EventLog.
	//
	// Default: none; they are kept until somebody has dealt with them.
	UnrecordedExpiration awscdk.Duration

	// StoreOutputs keeps the output of each execution in the event log, for replays that only publish it again.
	//
	// Default: true.
	StoreOutputs *bool

	// Topic is an existing SNS topic to publish to.
	//
	// Default: a new, encrypted topic that accepts TLS only.
	Topic awssns.ITopic

	// EncryptionKey is a symmetric KMS key of this Region for everything that holds data: a new event log, the ledger, the
	// queues, a new topic, the log groups, the environment of the functions, and what Step Functions keeps of
	// executions. The policy of a key that is made in the app is completed; that of an imported one must have the
	// statements in docs/security.md. Who reads executions, logs or messages needs kms:Decrypt then.
	//
	// Default: keys of AWS, which cost nothing: SSE-S3, SSE-SQS, alias/aws/sns, and keys that AWS owns.
	EncryptionKey awskms.IKey

	// RemovalPolicy says what happens to the event log, the ledger and the log groups with the stack.
	// A bucket that is not empty is not deleted: DESTROY then fails and says so.
	//
	// Default: RETAIN_ON_UPDATE_OR_DELETE for the event log and the ledger, DESTROY for log groups.
	RemovalPolicy awscdk.RemovalPolicy

	// Architecture of the functions: ARM_64 or X86_64.
	//
	// Default: ARM_64.
	Architecture awslambda.Architecture

	// Code gives functions ready code instead of compiling them.
	//
	// Default: every function is compiled from this module's source, which needs the go command at synth time.
	Code *FunctionCode

	// LogRetention is how long the functions, the state machine and the API keep their logs.
	//
	// Default: ONE_MONTH.
	LogRetention awslogs.RetentionDays

	// LogLevel is the least level of the functions' log lines: INFO, WARN or ERROR. Metrics are written at any level.
	//
	// Default: INFO.
	LogLevel awslambda.ApplicationLogLevel

	// AutoReplay starts replays of failed events on the schedule. If false, the schedule still reconciles what
	// became of executions and quarantines failures, and starts nothing.
	//
	// Default: true.
	AutoReplay *bool

	// AutoReplayInterval is the time between two runs of the schedule: 1 minute to 1 hour, in whole minutes.
	//
	// Default: 5 minutes.
	AutoReplayInterval awscdk.Duration

	// RetryOn adds names of errors after which a replay can help: globs such as "Geocoder*" (see path.Match).
	//
	// Default: none; service, throttling and timeout errors are retried in any case.
	RetryOn *[]*string

	// DoNotRetryOn takes names of errors out, by globs. It wins over RetryOn and over the errors retried by default.
	//
	// Default: none.
	DoNotRetryOn *[]*string

	// MaxAttempts caps the automatic replays of one event: a whole number from 1 to 100.
	//
	// Default: 5.
	MaxAttempts *float64

	// BackoffBase is the longest wait before the first automatic replay: 1 second to 12 hours. Waits are random
	// between nothing and their longest (full jitter).
	//
	// Default: 1 minute.
	BackoffBase awscdk.Duration

	// BackoffRate multiplies the longest wait from one automatic replay to the next: 1 to 10.
	//
	// Default: 2.
	BackoffRate *float64

	// MaxBackoff caps the longest wait: BackoffBase to 24 hours.
	//
	// Default: 1 hour, or BackoffBase if that is longer.
	MaxBackoff awscdk.Duration

	// MaxAge quarantines failures whose first one is older: 1 minute to 14 days.
	//
	// Default: 3 days.
	MaxAge awscdk.Duration

	// SupersedeOlder closes a failure without a replay when a newer event of the same resource has arrived. Set it
	// to false when events are deltas, each of which counts.
	//
	// Default: true.
	SupersedeOlder *bool

	// CanaryThreshold is how many failures may share an error before all of them are held: a whole number from 1 to
	// 10,000. Beyond it, something that they depend on is broken. One of them is replayed as a probe, another one after
	// a backoff while probes fail, and the rest in growing steps once a probe has succeeded.
	//
	// Default: 10.
	CanaryThreshold *float64

	// StartExecutionRate is how many executions per second the account may start in this Region for long, all its state
	// machines together: 1 to 10,000, the refill rate of the StartExecution quota (Step Functions Developer Guide,
	// "Quotas related to API action throttling").
	//
	// Default: 150, the quota of most Regions; it is 300 in us-east-1, us-west-2 and eu-west-1.
	StartExecutionRate *float64

	// MaxReplayShare is the share of StartExecutionRate that automatic replays may use, so that live events come first:
	// 0.001 to 1. Replays by API have maxPerSecond.
	//
	// Default: 0.2.
	MaxReplayShare *float64

	// PauseAlarm is a metric alarm that says that live traffic is in trouble: while it is in ALARM, or its state cannot
	// be found out, no automatic replay is sent. Those that were sent start within the next AutoReplayInterval.
	//
	// Default: none; automatic replays are never paused.
	PauseAlarm awscloudwatch.IAlarm

	// SettleAfter is the age at which an execution without an outcome is looked up: 1 minute to 1 day. Its status
	// event may be lost; they are delivered on a best-effort basis.
	//
	// Default: AutoReplayInterval, so that every end is known after two runs of the schedule at most.
	SettleAfter awscdk.Duration

	// UnaccountedAfter is the age at which a recorded event counts as unaccounted for if its outcome is unknown:
	// it neither succeeded, runs, waits, was superseded nor quarantined: SettleAfter to 14 days. UnaccountedAlarm goes off then.
	//
	// Default: 1 hour, or SettleAfter if that is longer.
	UnaccountedAfter awscdk.Duration

	// MaximumConcurrency caps the function instances that start replays, and so the pace at which replays compete
	// with live events for StartExecution: a whole number from 2 to 1,000.
	//
	// Default: 10.
	MaximumConcurrency *float64

	// OutcomesMaximumConcurrency caps the instances of the function that settles ended executions: a whole number from 2 to
	// 1,000. With MaximumConcurrency, it is what the queues may take of the account's concurrency.
	//
	// Default: 20.
	OutcomesMaximumConcurrency *float64

	// RecordReservedConcurrency keeps instances of RecordFunction for events, and caps them: a whole number, 1 to 10,000.
	//
	// Default: none; it shares the account's concurrency.
	RecordReservedConcurrency *float64

	// RecursiveLoop sets RecursiveLoop ALLOW on ReplayListenerFunction, whose messages come back to it. Where it is false,
	// Lambda stops a replay of many pages after 16: for Regions whose CloudFormation does not have the property.
	//
	// Default: true.
	RecursiveLoop *bool

	// Vpc is where the functions run: with endpoints or a way out to the services in docs/security.md. Nothing here needs
	// one; it is for rules that ask for it.
	//
	// Default: none; the functions run in Lambda's own network.
	Vpc awsec2.IVpc

	// VpcSubnets are the private subnets of Vpc to use.
	//
	// Default: its private subnets that have a way out; if there are none, its isolated ones.
	VpcSubnets *awsec2.SubnetSelection

	// SecurityGroups are those of the functions in Vpc, of all of them.
	//
	// Default: a new one that lets HTTPS out and nothing in.
	SecurityGroups *[]awsec2.ISecurityGroup

	// ApiAuthorizer decides who may call the API: a CognitoUserPoolsAuthorizer, a TokenAuthorizer or a RequestAuthorizer.
	// It belongs to one API. GrantReplay and GrantReadHistory are IAM's and panic then.
	//
	// Default: none; callers sign their requests, and IAM decides.
	ApiAuthorizer awsapigateway.IAuthorizer

	// ApiReplayScopes are those of which an access token of Cognito needs one to call /replays.
	//
	// Default: none; ApiAuthorizer accepts ID tokens.
	ApiReplayScopes *[]*string

	// ApiHistoryScopes are those of which an access token of Cognito needs one to call /versions and /failures.
	//
	// Default: none; ApiAuthorizer accepts ID tokens.
	ApiHistoryScopes *[]*string

	// ApiVpcEndpoints make the API private: it answers through these interface endpoints of execute-api, and nowhere else.
	//
	// Default: none; the API is regional, and public to who is authorized.
	ApiVpcEndpoints *[]awsec2.IVpcEndpoint

	// ApiPolicy is the resource policy of the API. With IAM, what it allows to a caller of this account is enough by itself.
	//
	// Default: none; with ApiVpcEndpoints, one that asks for these endpoints, and with IAM also for the account.
	ApiPolicy awsiam.PolicyDocument

	// ApiWebAclArn is the ARN of a regional WAFv2 web ACL to put before the API.
	//
	// Default: none.
	ApiWebAclArn *string

	// ApiRateLimit throttles the API, all callers together: 1 to 100,000 requests per second. A replay of any size is one.
	//
	// Default: 50.
	ApiRateLimit *float64

	// ApiBurstLimit is how many requests may come at once: a whole number from 1 to 100,000.
	//
	// Default: 100.
	ApiBurstLimit *float64

	// ApiCloudWatchRole makes the account's API Gateway CloudWatch role, without which API Gateway refuses access logs. It
	// is one per account and Region, and this would replace it: for accounts that have none. It outlives the stack.
	//
	// Default: false; the account has the role.
	ApiCloudWatchRole *bool

	// Alarms creates the alarms, each of which says what happened and links its section of the runbook.
	//
	// Default: true.
	Alarms *bool

	// AlarmActions are what every alarm does when it goes off, such as an SnsAction. For some alarms only, add actions to
	// their fields, or to CriticalAlarms.
	//
	// Default: none; the alarms show their state.
	AlarmActions *[]awscloudwatch.IAlarmAction

	// OkActions are what every alarm does when it is over.
	//
	// Default: none.
	OkActions *[]awscloudwatch.IAlarmAction

	// RunbookUrl is where the alarms and the dashboard send people: a page with an anchor for each alarm, its name in lower
	// case, such as #unaccountedalarm.
	//
	// Default: docs/operations.md of this project.
	RunbookUrl *string

	// FailureRateThreshold raises FailureAlarm when this share of the live executions has failed for three periods of 5
	// minutes, in percent: 1 to 100.
	//
	// Default: 25.
	FailureRateThreshold *float64

	// QuarantineThreshold raises QuarantineAlarm when so many failures are in quarantine: a whole number from 1 to 10,000.
	//
	// Default: 1.
	QuarantineThreshold *float64

	// ReplayAgeThreshold raises ReplayQueueAlarm when a replay has waited for so long to be started, and ReplaysStuckAlarm
	// when it has failed for so long: 1 minute to 14 days. A replay of many items without maxPerSecond waits
	// longer than that on purpose.
	//
	// Default: 1 hour.
	ReplayAgeThreshold awscdk.Duration

	// Dashboard creates a CloudWatch dashboard of the ingestion.
	//
	// Default: true.
	Dashboard *bool
}
