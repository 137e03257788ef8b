package ingestion

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Workflow is what happens to an event between Record and Publish. FromChainable, FromDefinition, FromDefinitionFile
// and FromStateMachine make one.
type Workflow interface {
	// validate returns what is wrong with the workflow. It creates nothing.
	validate() []error
	// maxEventBytes is the largest event that fits through the workflow.
	maxEventBytes() int
	// states is how many states the workflow has, nested ones included.
	states() int
	// splice puts the two states into the workflow. Constructs that it needs are created in scope. A timeout, if there
	// is one, goes before that of the workflow.
	splice(scope constructs.Construct, record, publish awsstepfunctions.TaskStateBase, timeout awscdk.Duration) spliced
}

// spliced is a workflow between Record and Publish.
type spliced struct {
	body          awsstepfunctions.DefinitionBody
	substitutions *map[string]*string      // of an asset's placeholders
	statements    []awsiam.PolicyStatement // that CDK does not find in the body
	distributed   []string                 // labels of Maps that start executions of the machine itself, likewise
	done          func()                   // to be called when the state machine is there; may be nil
}

// FromChainable makes a workflow of CDK states. Whatever they lead to belongs to it: a chain, or its first state. It
// belongs to one ReplayableIngestion.
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
	if owner, taken := owners.Load(w.start.StartState()); taken {
		return []error{fmt.Errorf("Workflow is that of the ingestion %s already: make states of its own for each, in a function "+
			"that both call", owner)}
	}
	var errs []error
	states := allStates(w.start.StartState())
	for _, name := range slices.Sorted(maps.Keys(states)) {
		if name == schema.RecordState || name == schema.PublishState {
			errs = append(errs, fmt.Errorf("Workflow has a state named %s, which is reserved: rename it", name))
		}
		if slices.Contains(assigns(states[name]), variable) {
			errs = append(errs, fmt.Errorf("Workflow state %q assigns the variable %q, which is reserved: rename it",
				name, variable))
		}
	}
	return errs
}

func (w chainable) maxEventBytes() int { return replay.MaxEventBytes }

func (w chainable) states() int { return len(allStates(w.start.StartState())) }

func (w chainable) splice(
	_ constructs.Construct, record, publish awsstepfunctions.TaskStateBase, _ awscdk.Duration,
) spliced {
	return spliced{body: awsstepfunctions.DefinitionBody_FromChainable(spliceChain(w.start, record, publish))}
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
