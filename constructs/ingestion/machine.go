package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Retries of Record and Publish: up to 1 + 2 + 4 + 8 seconds, each wait random between nothing and that.
const (
	retryAttempts        = 4
	retryIntervalSeconds = 1
	retryBackoffRate     = 2
)

// serviceUnavailableError is what Record and Publish fail with when an AWS service did not answer.
const serviceUnavailableError = "IngestionServiceUnavailable"

// addWorkflow creates the two functions and the state machine. Its type is always STANDARD: EXPRESS has neither
// status events nor idempotent execution names, and has no call that describes an execution.
func (r *ReplayableIngestion) addWorkflow(s *settings) {
	r.newFunction(&record, s)
	r.newFunction(&publish, s)

	workflow := s.workflow.splice(r, r.recordTask(), r.publishTask(), s.timeout)
	r.StateMachine = awsstepfunctions.NewStateMachine(r, jsii.String("StateMachine"), &awsstepfunctions.StateMachineProps{
		DefinitionBody:          workflow.body,
		DefinitionSubstitutions: workflow.substitutions,
		StateMachineType:        awsstepfunctions.StateMachineType_STANDARD,
		Timeout:                 s.timeout,
		TracingEnabled:          jsii.Bool(true),
		Logs:                    r.machineLogs("StateMachineLogs", s),
		EncryptionConfiguration: s.machineEncryption(),
	})
	for _, statement := range workflow.statements {
		r.StateMachine.AddToRolePolicy(statement)
	}
	r.permitDistributedMaps(workflow.distributed)
	if workflow.done != nil {
		workflow.done()
	}
}

// machineLogs keeps the errors of a state machine, and no data: events are other people's.
func (r *ReplayableIngestion) machineLogs(id string, s *settings) *awsstepfunctions.LogOptions {
	return &awsstepfunctions.LogOptions{
		Destination:          r.newMachineLogGroup(id, s),
		Level:                awsstepfunctions.LogLevel_ERROR,
		IncludeExecutionData: jsii.Bool(false),
	}
}

// payload is the state's input under the given name, and what tells this execution and this attempt from others.
func payload(name string) awsstepfunctions.TaskInput {
	at := func(path string) *string { return awsstepfunctions.JsonPath_StringAt(jsii.String(path)) }
	return awsstepfunctions.TaskInput_FromObject(&map[string]any{
		name: awsstepfunctions.JsonPath_EntirePayload(),
		"execution": map[string]any{
			"arn":          at("$$.Execution.Id"),
			"name":         at("$$.Execution.Name"),
			"startTime":    at("$$.Execution.StartTime"),
			"redriveCount": at("$$.Execution.RedriveCount"),
		},
		"retryCount": at("$$.State.RetryCount"),
	})
}

// retry lets a passing trouble of Lambda or of a service that our functions call pass.
func retry(task awsstepfunctionstasks.LambdaInvoke) awsstepfunctions.TaskStateBase {
	return retryWith(task, retryAttempts, nil)
}

func retryWith(
	task awsstepfunctionstasks.LambdaInvoke, attempts float64, maxDelay awscdk.Duration,
) awsstepfunctions.TaskStateBase {
	return task.AddRetry(&awsstepfunctions.RetryProps{
		Errors:         jsii.Strings(append(domain.LambdaErrors(), serviceUnavailableError)...), // all are safe to repeat
		Interval:       awscdk.Duration_Seconds(jsii.Number(retryIntervalSeconds)),
		BackoffRate:    jsii.Number(retryBackoffRate),
		MaxAttempts:    jsii.Number(attempts),
		MaxDelay:       maxDelay,
		JitterStrategy: awsstepfunctions.JitterType_FULL,
	})
}

// Retries of a task that starts an execution of another state machine, each after up to 1, 2, 4 … 60 seconds: starts
// compete for the account's quota with live events, which may be at it for minutes.
const (
	startRetries         = 8
	startMaxDelaySeconds = 60
)

// retryStart lets a start wait that was throttled or not answered. Names of errors begin with that of the integration;
// general is its name for what has none of its own (Step Functions Developer Guide, "Start workflow executions from a
// task state", retries ExecutionLimitExceeded).
func retryStart(task awsstepfunctions.TaskStateBase, integration, general string) {
	task.AddRetry(&awsstepfunctions.RetryProps{
		Errors: jsii.Strings(
			integration+".ExecutionLimitExceeded",
			integration+".ExecutionLimitExceededException",
			integration+".ThrottlingException",
			integration+"."+general,
			integration+".SdkClientException",
		),
		Interval:       awscdk.Duration_Seconds(jsii.Number(retryIntervalSeconds)),
		BackoffRate:    jsii.Number(retryBackoffRate),
		MaxAttempts:    jsii.Number(startRetries),
		MaxDelay:       awscdk.Duration_Seconds(jsii.Number(startMaxDelaySeconds)),
		JitterStrategy: awsstepfunctions.JitterType_FULL,
	})
}
