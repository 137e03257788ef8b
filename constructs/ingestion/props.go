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
// A prop may be a token if its value goes to CloudFormation unchanged. Tokens are not checked. AutoReplayInterval and
// the limits of automatic replays must be known when the app synthesizes.
type ReplayableIngestionProps struct {
	// Workflow is what happens to an event: FromChainable, FromDefinition, FromDefinitionFile or FromStateMachine.
	Workflow Workflow

	// ResourceIdPath finds the id of the resource in an event: an RFC 9535 JSONPath of member names and indexes,
	// such as $.listing.id. The id is a string or a whole number; its object key, "events/" and the id percent-encoded,
	// has at most 1,024 bytes.
	ResourceIdPath *string

	// OwnerIdPath finds the id of the resource's owner in an event: a path as in ResourceIdPath.
	//
	// Default: events have no owner; replays cannot select by one.
	OwnerIdPath *string

	// Timeout ends an execution that takes longer: 1 second or more. It fails with States.Timeout, which is retried.
	//
	// Default: none; a STANDARD execution may take a year.
	Timeout awscdk.Duration

	// EventLog is an existing bucket for the events. It must be versioned, and belong to this ingestion alone: two
	// ingestions in one bucket would read each other's events. You manage its encryption, lifecycle and policy.
	//
	// Default: a new, versioned, private, encrypted bucket.
	EventLog awss3.IBucket

	// NoncurrentVersionExpiration deletes events that a newer event of the same resource replaced this long ago:
	// 1 to 36,500 days. The latest event of a resource is never deleted. Not with EventLog.
	//
	// Default: 90 days.
	NoncurrentVersionExpiration awscdk.Duration

	// NoncurrentVersionsToRetain keeps the newest replaced events of each resource, at any age: a whole number from 1
	// to 100. The others expire. Not with EventLog.
	//
	// Default: none; all of them expire.
	NoncurrentVersionsToRetain *float64

	// NoncurrentVersionTransition moves replaced events to a colder storage class before they expire. Replays must be
	// able to read it immediately: INFREQUENT_ACCESS or ONE_ZONE_INFREQUENT_ACCESS after 30 days or more,
	// INTELLIGENT_TIERING or GLACIER_INSTANT_RETRIEVAL after 1 day or more. It is for large events, because S3 does not
	// move objects under 128 KiB. Not with EventLog.
	//
	// Default: none; they stay in STANDARD.
	NoncurrentVersionTransition *awss3.NoncurrentVersionTransition

	// OutputExpiration deletes the outputs of executions this long after they were stored: 1 to 36,500 days. A deleted
	// output cannot be published again; its item fails with OutputGone. Not with EventLog.
	//
	// Default: none; they are kept.
	OutputExpiration awscdk.Duration

	// DerivedExpiration deletes the patched events of replays: 15 to 36,500 days. Until then, a failed replay can be
	// redriven, which Step Functions allows for 14 days. Not with EventLog.
	//
	// Default: 30 days.
	DerivedExpiration awscdk.Duration

	// UnrecordedExpiration deletes the inputs of executions whose events never reached the log, in quarantine or not:
	// 1 to 36,500 days. A deleted input cannot be replayed. Not with EventLog.
	//
	// Default: none; they are kept until you delete them.
	UnrecordedExpiration awscdk.Duration

	// StoreOutputs keeps the output of each execution in the event log, for replays that publish it again.
	//
	// Default: true.
	StoreOutputs *bool

	// Topic is an existing SNS topic to publish to.
	//
	// Default: a new, encrypted topic that accepts TLS only.
	Topic awssns.ITopic

	// EncryptionKey is a symmetric KMS key of this Region for everything that holds data: a new event log, the ledger,
	// the queues, a new topic, the log groups, the environment of the functions, and the execution data in Step
	// Functions. The construct completes the policy of a key from the same app. The policy of an imported key must have
	// the statements in docs/security.md. People who read executions, logs or messages then need kms:Decrypt.
	//
	// Default: keys of AWS, without cost: SSE-S3, SSE-SQS, alias/aws/sns, and keys that AWS owns.
	EncryptionKey awskms.IKey

	// RemovalPolicy says what happens to the event log, the ledger and the log groups when the stack is deleted.
	// CloudFormation cannot delete a bucket with objects: DESTROY then fails with a message.
	//
	// Default: RETAIN_ON_UPDATE_OR_DELETE for the event log and the ledger, DESTROY for log groups.
	RemovalPolicy awscdk.RemovalPolicy

	// Architecture of the functions: ARM_64 or X86_64.
	//
	// Default: ARM_64.
	Architecture awslambda.Architecture

	// Code is compiled code for functions, in place of compiling them at synth time.
	//
	// Default: every function is compiled from this module's source, which needs the go command at synth time.
	Code *FunctionCode

	// LogRetention is how long the functions, the state machine and the API keep their logs.
	//
	// Default: ONE_MONTH.
	LogRetention awslogs.RetentionDays

	// LogLevel is the lowest level of the functions' log lines: INFO, WARN or ERROR. Metrics are written at any level.
	//
	// Default: INFO.
	LogLevel awslambda.ApplicationLogLevel

	// AutoReplay starts replays of failed events on the schedule. If false, the schedule still reconciles the outcomes
	// of executions and quarantines failures by RetryOn, DoNotRetryOn, MaxAttempts and MaxAge, but starts nothing.
	// PauseAlarm still pauses requested replays.
	//
	// Default: true.
	AutoReplay *bool

	// AutoReplayInterval is the time between two runs of the schedule: 1 minute to 1 hour, in whole minutes.
	//
	// Default: 5 minutes.
	AutoReplayInterval awscdk.Duration

	// RetryOn adds names of errors that a replay can heal: globs such as "Geocoder*" (see path.Match).
	//
	// Default: none; service, throttling and timeout errors are retried in any case.
	RetryOn *[]*string

	// DoNotRetryOn excludes errors by name: globs as in RetryOn. It takes precedence over RetryOn and over the errors
	// retried by default.
	//
	// Default: none.
	DoNotRetryOn *[]*string

	// MaxAttempts caps the automatic replays of one event: a whole number from 1 to 100.
	//
	// Default: 5.
	MaxAttempts *float64

	// BackoffBase is the longest wait before the first automatic replay: 1 second to 12 hours. A wait is random, from
	// zero to the longest wait (full jitter). Not with AutoReplay false.
	//
	// Default: 1 minute.
	BackoffBase awscdk.Duration

	// BackoffRate multiplies the longest wait from one automatic replay to the next: 1 to 10. Not with AutoReplay
	// false.
	//
	// Default: 2.
	BackoffRate *float64

	// MaxBackoff caps the longest wait: BackoffBase to 24 hours. Not with AutoReplay false.
	//
	// Default: 1 hour, or BackoffBase if that is longer.
	MaxBackoff awscdk.Duration

	// MaxAge is the age of an event's first failure at which its failures are quarantined: 1 minute to 14 days.
	//
	// Default: 3 days.
	MaxAge awscdk.Duration

	// SupersedeOlder closes a failure without a replay when a newer event of the same resource has arrived. Set it
	// to false when events are deltas, each of which counts.
	//
	// Default: true.
	SupersedeOlder *bool

	// CloseSuperseded takes a failure out of the quarantine by itself once a newer event of the same resource has
	// succeeded and was published. It needs SupersedeOlder.
	//
	// Default: false: GET /failures marks it, and a person closes it.
	CloseSuperseded *bool

	// CanaryThreshold is how many failures may share an error before all of them are held: a whole number from 1 to
	// 10,000. More than that mean that a dependency is broken. One of them is replayed as a probe, and another one
	// after a backoff while probes fail. Once a probe has succeeded, the rest follow in growing steps. Not with
	// AutoReplay false.
	//
	// Default: 10.
	CanaryThreshold *float64

	// StartExecutionRate is the sustained number of executions per second that the account may start in this Region,
	// over all state machines: 1 to 10,000. It is the refill rate of the StartExecution quota (Step Functions Developer
	// Guide, "Quotas related to API action throttling").
	//
	// Default: 150, the quota of most Regions; it is 300 in us-east-1, us-west-2 and eu-west-1.
	StartExecutionRate *float64

	// StateTransitionRate is how many states per second the account may enter in this Region for long, all its state
	// machines together: 1 to 100,000, the refill rate of the StateTransition quota (Step Functions Developer Guide,
	// "Quotas related to state throttling").
	//
	// Default: 500, the quota of most Regions; 1,500 with a StartExecutionRate of 300 or more.
	StateTransitionRate *float64

	// TransitionsPerExecution is how many states an execution enters, retries and the items of Maps included: 1 to
	// 25,000. With StateTransitionRate it bounds the pace of replays.
	//
	// Default: the number of states of the workflow, nested ones, Record and Publish included. An existing state
	// machine is known by its ARN only, and counts as one state: add its own.
	TransitionsPerExecution *float64

	// MaxReplayShare is the share that all replays together may take, so that live events come first: 0.001 to 1. It is
	// a share of StartExecutionRate, or of StateTransitionRate divided by TransitionsPerExecution if that is less.
	// Replays at the same time divide it evenly; maxPerSecond of a request makes its replay slower.
	//
	// Default: 0.2.
	MaxReplayShare *float64

	// MaxRequestedShare is a second share, beside MaxReplayShare, for replays that request a higher maxPerSecond than
	// that allows: 0 to 0.999, together with MaxReplayShare 1 at most.
	//
	// Default: 0; such replays keep to MaxReplayShare.
	MaxRequestedShare *float64

	// PauseAlarm is a metric alarm on live traffic. While it is in ALARM or its state is unknown, no automatic replay
	// is sent, and requested ones are paused, unless they have ignorePauseAlarm. Each run of auto-replay looks at it.
	//
	// Default: none; no alarm pauses replays.
	PauseAlarm awscloudwatch.IAlarm

	// SettleAfter is the age at which an execution without an outcome is looked up: 1 minute to 1 day. EventBridge
	// delivers status events on a best-effort basis, so some are lost.
	//
	// Default: AutoReplayInterval; every end is then known after at most two runs of the schedule.
	SettleAfter awscdk.Duration

	// UnaccountedAfter is the age at which a recorded event without a known outcome is unaccounted for: SettleAfter to
	// 14 days. Such an event has not succeeded, does not run or wait, and is not superseded or quarantined.
	// UnaccountedAlarm then goes off.
	//
	// Default: 1 hour, or SettleAfter if that is longer.
	UnaccountedAfter awscdk.Duration

	// Transforms are Lambda functions that replays may transform events with, by the names that requests have for them:
	// at most 10, of 1 to 64 letters, digits, hyphens and underscores. A function gets an event and returns the event
	// to run instead. A version or an alias is invoked as such. Whoever may call /replays may have them invoked.
	//
	// Default: none; replays transform events with patches and JSONata.
	Transforms *map[string]awslambda.IFunction

	// MaximumConcurrency caps the instances of the function that starts replays: a whole number from 2 to 1,000. One
	// instance starts about 30 executions per second.
	//
	// Default: 3, or as many as MaxReplayShare and MaxRequestedShare need.
	MaximumConcurrency *float64

	// OutcomesMaximumConcurrency caps the instances of the function that records ended executions: a whole number from
	// 2 to 1,000. Together with MaximumConcurrency, it limits the queues' share of the account's concurrency. One
	// instance records about 100 ends per second.
	//
	// Default: 3. A new account, which has 10 concurrent executions, keeps 3 for live events.
	OutcomesMaximumConcurrency *float64

	// RecordReservedConcurrency reserves concurrency for RecordFunction, and caps it: a whole number from 1 to 10,000.
	//
	// Default: none; it shares the account's concurrency.
	RecordReservedConcurrency *float64

	// RecursiveLoop sets RecursiveLoop ALLOW on ReplayListenerFunction, which sends messages to its own queue. If
	// false, Lambda stops a replay of many pages after 16 of them. Set it to false where CloudFormation lacks the
	// property.
	//
	// Default: true.
	RecursiveLoop *bool

	// Vpc is the VPC of the functions. It needs endpoints or a NAT gateway for the services in docs/security.md. The
	// construct needs no VPC; use it if your organization requires one.
	//
	// Default: none; the functions run in Lambda's own network.
	Vpc awsec2.IVpc

	// VpcSubnets are the private subnets of Vpc to use.
	//
	// Default: its private subnets with egress; without such subnets, its isolated ones.
	VpcSubnets *awsec2.SubnetSelection

	// SecurityGroups are the security groups of all functions in Vpc.
	//
	// Default: a new one that allows outbound HTTPS and no inbound traffic.
	SecurityGroups *[]awsec2.ISecurityGroup

	// ApiAuthorizer decides who may call the API: a CognitoUserPoolsAuthorizer, a TokenAuthorizer or a
	// RequestAuthorizer. It belongs to one API. GrantReplay and GrantReadHistory grant IAM permissions, and panic with
	// an ApiAuthorizer.
	//
	// Default: none; callers sign their requests, and IAM decides.
	ApiAuthorizer awsapigateway.IAuthorizer

	// ApiReplayScopes are scopes of Cognito access tokens. A call of /replays, and of POST /versions, /failures/close
	// and /failures/reopen, needs one of them.
	//
	// Default: none; ApiAuthorizer accepts ID tokens.
	ApiReplayScopes *[]*string

	// ApiHistoryScopes are scopes of Cognito access tokens. A GET of /versions or /failures needs one of them.
	//
	// Default: none; ApiAuthorizer accepts ID tokens.
	ApiHistoryScopes *[]*string

	// ApiVpcEndpoints make the API private: it responds only through these interface endpoints of execute-api.
	//
	// Default: none; the API is regional, and reachable from the internet by authorized callers.
	ApiVpcEndpoints *[]awsec2.IVpcEndpoint

	// ApiPolicy is the resource policy of the API. With IAM, an allow in it is enough for a caller of this account.
	//
	// Default: none; with ApiVpcEndpoints, a policy that requires these endpoints, and with IAM also the account.
	ApiPolicy awsiam.PolicyDocument

	// ApiWebAclArn is the ARN of a regional WAFv2 web ACL for the API.
	//
	// Default: none.
	ApiWebAclArn *string

	// ApiRateLimit throttles the API, all callers together: 1 to 100,000 requests per second. A replay of any size is
	// one.
	//
	// Default: 50.
	ApiRateLimit *float64

	// ApiBurstLimit is the number of requests that may arrive at once: a whole number from 1 to 100,000.
	//
	// Default: 100.
	ApiBurstLimit *float64

	// ApiCloudWatchRole creates the account's API Gateway CloudWatch role, which access logs require. An account has
	// one per Region, and this replaces it, so use it only in an account without one. The role outlives the stack.
	//
	// Default: false; the account must have the role.
	ApiCloudWatchRole *bool

	// Alarms creates the alarms. Each describes what happened and links to its section of the runbook.
	//
	// Default: true.
	Alarms *bool

	// AlarmActions are the actions of every alarm in ALARM, such as an SnsAction. For single alarms, add actions to
	// their fields, or to CriticalAlarms.
	//
	// Default: none; the alarms show their state.
	AlarmActions *[]awscloudwatch.IAlarmAction

	// OkActions are the actions of every alarm when it returns to OK.
	//
	// Default: none.
	OkActions *[]awscloudwatch.IAlarmAction

	// RunbookUrl is the page that the alarms and the dashboard link to. It has an anchor for each alarm, its name in
	// lower case, such as #unaccountedalarm.
	//
	// Default: docs/operations.md of this project.
	RunbookUrl *string

	// FailureRateThreshold is the threshold of FailureAlarm: the percentage of live executions that fail in each of
	// three periods of 5 minutes, from 1 to 100.
	//
	// Default: 25.
	FailureRateThreshold *float64

	// QuarantineThreshold is the threshold of QuarantineAlarm: failures in quarantine, a whole number from 1 to 10,000.
	//
	// Default: 1.
	QuarantineThreshold *float64

	// ReplayAgeThreshold is the threshold of ReplayQueueAlarm, for the time that a replay waits in the queue, and of
	// ReplaysStuckAlarm, for the time that it fails to start: 1 minute to 14 days. A replay of many items without
	// maxPerSecond may wait longer by design.
	//
	// Default: 1 hour.
	ReplayAgeThreshold awscdk.Duration

	// Dashboard creates a CloudWatch dashboard of the ingestion.
	//
	// Default: true.
	Dashboard *bool
}
