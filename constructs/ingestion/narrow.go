package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Two of CDK's classes ask for more than they use. Both have a property that says what to ask for, and these types
// answer in its place.

// function grants the right to invoke itself, and not each of its versions and aliases: CDK would add its ARN with :*.
// None of its callers here names a version.
type function struct {
	awslambda.Function
}

func newExactFunction(scope constructs.Construct, id string, props *awslambda.FunctionProps) awslambda.Function {
	f := &function{}
	awslambda.NewFunction_Override(f, scope, jsii.String(id), props)
	return f
}

// ResourceArnsForGrantInvoke is what GrantInvoke and the tasks of state machines allow to invoke.
func (f *function) ResourceArnsForGrantInvoke() *[]*string { return &[]*string{f.FunctionArn()} }

// runJob is a task that runs another state machine to its end.
type runJob struct {
	awsstepfunctionstasks.StepFunctionsStartExecution
	machine awsstepfunctions.IStateMachine
}

// newRunJob is NewStepFunctionsStartExecution with RUN_JOB, but for the permissions of the task's role: CDK allows to
// describe and to stop the executions of every state machine whose name begins with that of the one to run.
func newRunJob(
	scope constructs.Construct, id string, machine awsstepfunctions.IStateMachine,
	props *awsstepfunctionstasks.StepFunctionsStartExecutionProps,
) awsstepfunctionstasks.StepFunctionsStartExecution {
	job := &runJob{machine: machine}
	props.StateMachine, props.IntegrationPattern = machine, awsstepfunctions.IntegrationPattern_RUN_JOB
	awsstepfunctionstasks.NewStepFunctionsStartExecution_Override(job, scope, jsii.String(id), props)
	retryStart(job, "StepFunctions", "AWSStepFunctionsException")
	return job
}

// TaskPolicies are what startExecution.sync:2 needs (Step Functions Developer Guide, "IAM policies for starting Step
// Functions workflow executions"). The rule is Step Functions' own; it learns by it that the execution has ended.
func (j *runJob) TaskPolicies() *[]awsiam.PolicyStatement {
	stack := awscdk.Stack_Of(j)
	return &[]awsiam.PolicyStatement{
		statement(j.machine.StateMachineArn(), "states:StartExecution"),
		statement(executionsOf(j, j.machine), "states:DescribeExecution", "states:StopExecution"),
		statement(stack.FormatArn(&awscdk.ArnComponents{
			Service:      jsii.String("events"),
			Resource:     jsii.String("rule"),
			ResourceName: jsii.String("StepFunctionsGetEventsForStepFunctionsExecutionRule"),
		}), "events:PutTargets", "events:PutRule", "events:DescribeRule"),
	}
}

// executionsOf is the ARN of every execution of one state machine and of no other: their names are not known before.
func executionsOf(scope constructs.IConstruct, machine awsstepfunctions.IStateMachine) *string {
	stack := awscdk.Stack_Of(scope)
	name := stack.SplitArn(machine.StateMachineArn(), awscdk.ArnFormat_COLON_RESOURCE_NAME).ResourceName
	if made, ok := machine.(awsstepfunctions.StateMachine); ok {
		name = made.StateMachineName()
	}
	return stack.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("states"),
		Resource:     jsii.String("execution"),
		ResourceName: jsii.String(*name + ":*"),
		ArnFormat:    awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

// guardRoles lets only state machines of this account and Region use the roles of ours, where CDK lets every one that
// Step Functions runs (Step Functions Developer Guide, "Prevent cross-service confused deputy issue"). Which one it is
// cannot be said: a state machine needs its role first.
func (r *ReplayableIngestion) guardRoles() {
	for _, machine := range []awsstepfunctions.StateMachine{r.StateMachine, r.SeriesMachine} {
		role := machine.Role().Node().DefaultChild().(awsiam.CfnRole)
		role.AddPropertyOverride(jsii.String("AssumeRolePolicyDocument.Statement.0.Condition"), map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Stack_Of(r).Account()},
			"ArnLike":      map[string]any{"aws:SourceArn": r.everyMachine()},
		})
	}
}

func (r *ReplayableIngestion) everyMachine() *string {
	return awscdk.Stack_Of(r).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("states"), Resource: jsii.String("stateMachine"), ResourceName: jsii.String("*"),
		ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

func statement(resource *string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &[]*string{resource},
	})
}
