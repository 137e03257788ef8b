package ingestion

import (
	"fmt"
	"reflect"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// runState is the name of the task that runs an existing state machine.
const runState = "Run"

// Workflow is what happens to an event between Record and Publish. FromChainable and FromStateMachine make one; it
// belongs to one ReplayableIngestion.
type Workflow interface {
	// validate returns what is wrong with the workflow. It creates nothing.
	validate() []error
	// maxEventBytes is the largest event that fits through the workflow.
	maxEventBytes() int
	// definition splices the two states into the workflow. Constructs that it needs are created in scope.
	definition(scope constructs.Construct, record, publish awsstepfunctions.TaskStateBase) awsstepfunctions.DefinitionBody
}

// FromChainable makes a workflow of CDK states. Whatever they lead to belongs to it: a chain, or its first state.
//
// Ends that a Catch alone leads to, Succeed and Fail stay ends and do not publish. The names Record and Publish are
// reserved, in nested states too.
func FromChainable(start awsstepfunctions.IChainable) Workflow {
	return chainable{start}
}

type chainable struct {
	start awsstepfunctions.IChainable
}

func (w chainable) validate() []error {
	if isNil(w.start) || isNil(w.start.StartState()) {
		return []error{fmt.Errorf("Workflow has no start state: pass a state or a chain of states to FromChainable")}
	}
	var errs []error
	for _, name := range stateNames(w.start.StartState()) {
		if name == schema.RecordState || name == schema.PublishState {
			errs = append(errs, fmt.Errorf("Workflow has a state named %s, which is reserved: rename it", name))
		}
	}
	return errs
}

func (w chainable) maxEventBytes() int { return replay.MaxEventBytes }

func (w chainable) definition(
	_ constructs.Construct, record, publish awsstepfunctions.TaskStateBase,
) awsstepfunctions.DefinitionBody {
	return awsstepfunctions.DefinitionBody_FromChainable(splice(w.start, record, publish))
}

// FromStateMachine makes a workflow of an existing STANDARD state machine: each event runs it once, with the event
// as input, and its output is published. Its executions see no replay marker. Whether an imported machine is
// STANDARD cannot be known; events for an EXPRESS one fail.
//
// Events are at most 128,000 bytes, because the task's result holds the child's input beside its output.
func FromStateMachine(machine awsstepfunctions.IStateMachine) Workflow {
	return child{machine}
}

type child struct {
	machine awsstepfunctions.IStateMachine
}

func (w child) validate() []error {
	if isNil(w.machine) {
		return []error{fmt.Errorf("Workflow has no state machine: pass one to FromStateMachine")}
	}
	if m, ok := w.machine.(awsstepfunctions.StateMachine); ok &&
		m.StateMachineType() == awsstepfunctions.StateMachineType_EXPRESS {
		return []error{fmt.Errorf("Workflow %s is an EXPRESS state machine, which is not supported: make it STANDARD, "+
			"or pass its states to FromChainable", *m.Node().Path())}
	}
	return nil
}

// maxEventBytes is half of what fits otherwise: startExecution.sync:2 answers with the child's input and output in
// one result, and the output is as large as the input where the child passes the event on.
func (w child) maxEventBytes() int { return replay.MaxEventBytes / 2 }

// definition runs the child without a name: a redriven execution must be able to run it again.
func (w child) definition(
	scope constructs.Construct, record, publish awsstepfunctions.TaskStateBase,
) awsstepfunctions.DefinitionBody {
	run := awsstepfunctionstasks.NewStepFunctionsStartExecution(scope, jsii.String(runState),
		&awsstepfunctionstasks.StepFunctionsStartExecutionProps{
			StateMachine:       w.machine,
			IntegrationPattern: awsstepfunctions.IntegrationPattern_RUN_JOB,
			Input:              awsstepfunctions.TaskInput_FromJsonPathAt(awsstepfunctions.JsonPath_EntirePayload()),
			OutputPath:         jsii.String("$.Output"),
		})
	return awsstepfunctions.DefinitionBody_FromChainable(splice(run, record, publish))
}

// IsReplay tells an execution that replays an event from its first run, in a Choice of the workflow or of its nested
// states: for side effects that must not repeat. It does not see into child executions, those of a Distributed Map
// included; pass them what they need.
func IsReplay() awsstepfunctions.Condition {
	return awsstepfunctions.Condition_IsPresent(jsii.String("$$.Execution.Input." + schema.EnvelopeKey))
}

// IsReplayExpression is IsReplay for states that speak JSONata, to be used within an expression such as
// "{% $not("+ingestion.IsReplayExpression+") %}".
const IsReplayExpression = "$exists($states.context.Execution.Input." + schema.EnvelopeKey + ")"

// isNil finds nil, and pointers and interfaces that hold nil.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
