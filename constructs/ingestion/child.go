package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Names of the states around an existing state machine. The ones behind Run are those of an EXPRESS one.
const (
	runState       = "Run"
	outcomeState   = "Outcome"
	outputState    = "Output"
	failedState    = "Failed"
	timedOutState  = "TimedOut"
	explainedState = "Explained"
	runFailedState = "RunFailed"

	expressStates = 3 // that one execution enters, or 5 if it fails
)

// StateMachineOptions say what cannot be seen of a state machine. The zero value is that of a STANDARD one.
type StateMachineOptions struct {
	// StateMachineType is the type of an imported state machine: STANDARD or EXPRESS. One that was made in this app
	// knows its own.
	//
	// Default: the machine's own type, or STANDARD for an imported one. Events for an imported EXPRESS machine then
	// fail.
	StateMachineType awsstepfunctions.StateMachineType

	// EncryptionKey is the KMS key that encrypts the machine's executions. The construct grants its use to the role
	// that starts and describes them. The policy of an imported key must allow this account's roles to use it.
	//
	// Default: none; the machine uses the key that AWS owns.
	EncryptionKey awskms.IKey
}

// FromStateMachine makes a workflow of an existing state machine: each event runs it once, with the event as input, and
// its output is published. Its executions see no replay marker. options may be nil.
//
// A STANDARD machine runs by startExecution.sync:2. Events are at most 128,000 bytes, because the task's result holds
// the child's input beside its output. A redrive starts a child that failed anew.
//
// An EXPRESS machine runs by startSyncExecution, for 5 minutes at most. Events are at most 64,000 bytes: its input and
// output come back as texts, in which each quote counts twice. One that fails or times out fails the ingestion with its
// own error and cause, States.Timeout for want of one. Replay such an event; a redrive would begin at the state that
// fails, behind the child, so the replay API refuses it.
func FromStateMachine(machine awsstepfunctions.IStateMachine, options *StateMachineOptions) Workflow {
	return child{machine, or(options, StateMachineOptions{})}
}

type child struct {
	machine awsstepfunctions.IStateMachine
	options StateMachineOptions
}

func (w child) validate() []error {
	var f faults
	asked := w.options.StateMachineType
	if asked != "" && asked != awsstepfunctions.StateMachineType_STANDARD && asked != awsstepfunctions.StateMachineType_EXPRESS {
		f.add("Workflow StateMachineType must be STANDARD or EXPRESS, got %s", asked)
	}
	if isNil(w.machine) {
		f.add("Workflow has no state machine: pass one to FromStateMachine")
		return f
	}
	if own := w.own(); own != "" && asked != "" && own != asked {
		f.add("Workflow %s is %s, and StateMachineType says %s: leave it out", *w.machine.Node().Path(), own, asked)
	}
	if w.keyed() && isNil(w.options.EncryptionKey) {
		f.add("Workflow %s is encrypted with a KMS key: pass it as EncryptionKey of StateMachineOptions, or its executions "+
			"cannot be started", *w.machine.Node().Path())
	}
	return f
}

// own is the type of a machine that was made in this app; "" for an imported one.
func (w child) own() awsstepfunctions.StateMachineType {
	if m, ok := w.machine.(awsstepfunctions.StateMachine); ok {
		return m.StateMachineType()
	}
	return ""
}

func (w child) express() bool {
	kind := w.own()
	if kind == "" {
		kind = w.options.StateMachineType
	}
	return kind == awsstepfunctions.StateMachineType_EXPRESS
}

// maxEventBytes leaves room for a child that passes the event on: the task's result holds its input and its output,
// which an EXPRESS one gives as texts of up to twice their size.
func (w child) maxEventBytes() int {
	if w.express() {
		return replay.MaxEventBytes / 4
	}
	return replay.MaxEventBytes / 2
}

// states is how many states run around the child. Those of the child itself count too, and are not known.
func (w child) states() int {
	if w.express() {
		return expressStates
	}
	return 1
}

func (w child) splice(
	scope constructs.Construct, record, publish awsstepfunctions.TaskStateBase, _ awscdk.Duration,
) spliced {
	run := w.standard
	if w.express() {
		run = w.synchronous
	}
	out := spliced{body: awsstepfunctions.DefinitionBody_FromChainable(spliceChain(run(scope), record, publish))}
	if key := w.options.EncryptionKey; !isNil(key) {
		out.statements = append(out.statements, w.permitKey(key))
	}
	return out
}

// redrivable reports whether a failed execution can go on from the state that failed. Around an EXPRESS machine that is
// a Fail state, behind the machine.
func redrivable(w Workflow) bool {
	c, is := w.(child)
	return !is || !c.express()
}

// permitKey is what Step Functions asks of who starts or describes an execution (Step Functions Developer Guide, "Data
// at rest encryption").
func (w child) permitKey(key awskms.IKey) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"),
		Resources: &[]*string{key.KeyArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"kms:EncryptionContext:aws:states:stateMachineArn": w.machine.StateMachineArn(),
		}},
	})
}

// keyed reports whether a machine that was made in this app has a key of its own. Which one, CDK does not tell.
func (w child) keyed() bool {
	m, ok := w.machine.(awsstepfunctions.StateMachine)
	if !ok {
		return false
	}
	l1, ok := m.Node().DefaultChild().(awsstepfunctions.CfnStateMachine)
	if !ok || isNil(l1.EncryptionConfiguration()) {
		return false
	}
	c, ok := awscdk.Stack_Of(m).Resolve(l1.EncryptionConfiguration()).(map[string]any)
	return ok && c["kmsKeyId"] != nil
}

// standard runs the child without a name: a redriven execution must be able to run it again.
func (w child) standard(scope constructs.Construct) awsstepfunctions.IChainable {
	return newRunJob(scope, runState, w.machine, &awsstepfunctionstasks.StepFunctionsStartExecutionProps{
		Input:      awsstepfunctions.TaskInput_FromJsonPathAt(awsstepfunctions.JsonPath_EntirePayload()),
		OutputPath: jsii.String("$.Output"),
	})
}

// synchronous runs an EXPRESS child. The task succeeds whatever became of the child, so that its Status decides. All of
// it speaks JSONPath, in which numbers keep their digits.
func (w child) synchronous(ingestion constructs.Construct) awsstepfunctions.IChainable {
	scope := constructs.NewConstruct(ingestion, jsii.String("Workflow")) // alarms have names like those of the states
	path := awsstepfunctions.JsonPath_StringAt
	run := awsstepfunctionstasks.NewCallAwsService(scope, jsii.String(runState), &awsstepfunctionstasks.CallAwsServiceProps{
		Service: jsii.String("sfn"),
		Action:  jsii.String("startSyncExecution"),
		Parameters: &map[string]any{
			"StateMachineArn": w.machine.StateMachineArn(),
			"Input":           awsstepfunctions.JsonPath_JsonToString(awsstepfunctions.JsonPath_ObjectAt(jsii.String("$"))),
		},
		IamAction:    jsii.String("states:StartSyncExecution"),
		IamResources: &[]*string{w.machine.StateMachineArn()},
	})
	retryStart(run, "Sfn", "SfnException")
	output := awsstepfunctions.NewPass(scope, jsii.String(outputState), &awsstepfunctions.PassProps{
		Parameters: &map[string]any{"output": awsstepfunctions.JsonPath_StringToJson(path(jsii.String("$.Output")))},
		OutputPath: jsii.String("$.output"),
	})
	status := func(is string) awsstepfunctions.Condition {
		return awsstepfunctions.Condition_StringEquals(jsii.String("$.Status"), jsii.String(is))
	}
	failed := explained(scope)
	outcome := awsstepfunctions.NewChoice(scope, jsii.String(outcomeState), nil).
		When(status("SUCCEEDED"), output, nil).
		When(status("TIMED_OUT"), otherwise(scope, timedOutState, "States.Timeout").Next(failed), nil).
		Otherwise(otherwise(scope, failedState, "States.TaskFailed").Next(failed))
	return run.Next(outcome)
}

// otherwise lays an error and a cause beside the answer, for a child that names none, as a Fail state without them
// does.
func otherwise(scope constructs.Construct, id, name string) awsstepfunctions.Pass {
	return awsstepfunctions.NewPass(scope, jsii.String(id), &awsstepfunctions.PassProps{Parameters: &map[string]any{
		"answer":    awsstepfunctions.JsonPath_ObjectAt(jsii.String("$")),
		"otherwise": map[string]any{"Error": name, "Cause": "The state machine gave no cause."},
	}})
}

// explained fails with the child's error and cause. A Fail state breaks on a path that leads to nothing.
func explained(scope constructs.Construct) awsstepfunctions.Chain {
	merge := awsstepfunctions.NewPass(scope, jsii.String(explainedState), &awsstepfunctions.PassProps{
		Parameters: &map[string]any{"failure": awsstepfunctions.JsonPath_JsonMerge(
			awsstepfunctions.JsonPath_ObjectAt(jsii.String("$.otherwise")), awsstepfunctions.JsonPath_ObjectAt(jsii.String("$.answer")))},
		OutputPath: jsii.String("$.failure"),
	})
	return merge.Next(awsstepfunctions.NewFail(scope, jsii.String(runFailedState), &awsstepfunctions.FailProps{
		ErrorPath: jsii.String("$.Error"), CausePath: jsii.String("$.Cause"),
	}))
}
