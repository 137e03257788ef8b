package ingestion

import (
	"errors"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
)

// ReplayableIngestion is a Step Functions workflow whose events can be replayed. Construct ids equal field names.
type ReplayableIngestion struct {
	constructs.Construct

	StateMachine  awsstepfunctions.StateMachine // takes events: StartExecution
	SeriesMachine awsstepfunctions.StateMachine // runs several versions of a resource one after the other
	EventLog      awss3.IBucket                 // every event, under events/<resource id>
	Ledger        awsdynamodb.ITable            // outcomes of events, executions and replays
	Topic         awssns.ITopic                 // where results go

	DeadLetterQueue awssqs.Queue // failed executions, and messages that no function could handle
	OutcomesQueue   awssqs.Queue // ended executions, for TrackerFunction
	ReplayQueue     awssqs.Queue // replays to start, for ReplayListenerFunction

	RecordFunction         awslambda.Function // first state: keeps the event
	PublishFunction        awslambda.Function // last state: publishes the output
	TrackerFunction        awslambda.Function // records outcomes in the ledger
	AutoReplayFunction     awslambda.Function // reconciles, and decides what is replayed without being asked
	ReplayHandlerFunction  awslambda.Function // answers the API
	ReplayListenerFunction awslambda.Function // starts replays
	SeriesFunction         awslambda.Function // binds each version of a series, for SeriesMachine

	Schedule awsscheduler.Schedule // runs AutoReplayFunction
	Api      awsapigateway.RestApi // the replay API

	// The alarms, most urgent first, and all of them on one page. Nil if Alarms or Dashboard is false.
	UnaccountedAlarm awscloudwatch.Alarm // the outcome of an event is unknown
	AutoReplayAlarm  awscloudwatch.Alarm // AutoReplayFunction does not run
	FailureAlarm     awscloudwatch.Alarm // many live executions fail
	ThrottlesAlarm   awscloudwatch.Alarm // RecordFunction is throttled

	StartsThrottledAlarm    awscloudwatch.Alarm // StartExecution is throttled in the account and Region
	ExecutionThrottledAlarm awscloudwatch.Alarm // states of executions are delayed

	DeadLetterAlarm    awscloudwatch.Alarm // AutoReplayFunction cannot take a dead letter in
	OutcomesAlarm      awscloudwatch.Alarm // OutcomesQueue is not read
	OutcomesStuckAlarm awscloudwatch.Alarm // TrackerFunction keeps failing
	ReplayQueueAlarm   awscloudwatch.Alarm // ReplayQueue is not read
	ReplaysStuckAlarm  awscloudwatch.Alarm // ReplayListenerFunction keeps failing
	QuarantineAlarm    awscloudwatch.Alarm // failures wait for a person
	ErrorsAlarm        awscloudwatch.Alarm // functions log errors
	ApiErrorsAlarm     awscloudwatch.Alarm // Api answers with 5xx
	Dashboard          awscloudwatch.Dashboard

	tokens map[string]*string // see kept

	all      []awscloudwatch.Alarm
	critical []awscloudwatch.Alarm

	rules map[string]awsevents.Rule // to DeadLetterQueue and OutcomesQueue, by name

	replayMethods  []awsapigateway.Method
	historyMethods []awsapigateway.Method
}

// NewReplayableIngestion creates a state machine from the props' workflow and everything that makes it replayable.
//
// It panics, as CDK constructors do, when props are invalid; the message lists every problem.
func NewReplayableIngestion(scope constructs.Construct, id *string, props *ReplayableIngestionProps) *ReplayableIngestion {
	if err := errors.Join(validatePlace(scope, id), props.validate()); err != nil {
		panic(fmt.Errorf("ReplayableIngestion %q: %w", or(id, ""), err))
	}
	s := props.resolve()

	r := &ReplayableIngestion{tokens: map[string]*string{}}
	constructs.NewConstruct_Override(r, scope, id)
	r.claim(props)
	s.code = s.code.compiled(s.architecture)
	r.addNetwork(&s)
	r.addStorage(props, &s)
	r.addQueues(&s)
	r.addWorkflow(&s)
	r.addReplay(&s)
	r.addRules()
	r.addApi(&s)
	r.addAlarms(&s)
	r.addDashboard(&s)
	r.addOutput()
	r.guardRoles()
	r.openKey(&s)
	r.permitKeys(props, &s)
	r.permitMachineKeys(&s)
	r.permitOwnKeys(props)
	r.suppressFindings(props, &s)
	return r
}
