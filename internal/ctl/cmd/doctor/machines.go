package doctor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func (e *exam) machineChecks() []check {
	return []check{
		one("machine.StateMachine", func(ctx context.Context, v *verdict) {
			if m := e.machine(ctx, v, e.at.StateMachineARN); m != nil {
				e.spliced(v, aws.ToString(m.Definition))
			}
		}),
		one("machine.SeriesMachine", func(ctx context.Context, v *verdict) { e.machine(ctx, v, e.at.SeriesMachineARN) }),
	}
}

// machine looks at a state machine, and returns it if it is there.
func (e *exam) machine(ctx context.Context, v *verdict, arn string) *sfn.DescribeStateMachineOutput {
	m, err := e.machines.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	if err != nil {
		e.cannot(v, "state machine "+arn, "states:DescribeStateMachine", err)
		return nil
	}
	if m.Status == sfntypes.StateMachineStatusActive {
		v.says("active")
	} else {
		v.fails("restore it: deploy the stack again", "its status is %s", m.Status)
	}
	if m.Type != sfntypes.StateMachineTypeStandard {
		v.fails("restore it: deploy the stack again", "its type is %s, and only STANDARD ones can be followed", m.Type)
	}
	if m.LoggingConfiguration == nil || m.LoggingConfiguration.Level == sfntypes.LogLevelOff || m.LoggingConfiguration.Level == "" {
		v.warns("deploy the stack again: the construct logs errors and traces", "it writes no log")
	}
	if m.TracingConfiguration == nil || !m.TracingConfiguration.Enabled {
		v.warns("deploy the stack again: the construct logs errors and traces", "it is not traced by X-Ray")
	}
	if k := m.EncryptionConfiguration; k != nil {
		e.usesKey(k.KmsKeyId)
	}
	return m
}

// spliced looks for the states that the construct adds to a workflow. Without Record nothing is kept, without Publish
// nothing is published: a definition that was edited by hand may have lost them.
func (e *exam) spliced(v *verdict, definition string) {
	var d struct {
		StartAt string
		States  map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(definition), &d); err != nil {
		v.add(Unknown, "", "its definition cannot be read: %v", err)
		return
	}
	const edited = "was it edited by hand? deploy the stack again, after a change of the workflow if CloudFormation sees none"
	calls := func(state, role string) bool { // a function's ARN ends with its name
		return strings.Contains(string(d.States[state]), ":function:"+e.at.Functions[role])
	}
	switch {
	case d.StartAt != schema.RecordState:
		v.fails(edited, "it starts with %s, not with %s: events are not kept", d.StartAt, schema.RecordState)
	case !calls(schema.RecordState, "Record"):
		v.fails(edited, "state %s does not call function %s: events are not kept", schema.RecordState, e.at.Functions["Record"])
	default:
		v.says("starts with %s", schema.RecordState)
	}
	switch {
	case d.States[schema.PublishState] == nil:
		v.warns("end the workflow with a state other than Succeed, if outputs are to be published", "it has no state %s: nothing is published", schema.PublishState)
	case !calls(schema.PublishState, "Publish"):
		v.fails(edited, "state %s does not call function %s: nothing is published", schema.PublishState, e.at.Functions["Publish"])
	default:
		v.says("has %s", schema.PublishState)
	}
}

// function looks at one that the manifest names.
func (e *exam) function(ctx context.Context, v *verdict, role string) {
	name := e.at.Functions[role]
	f, err := e.functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		e.cannot(v, "function "+name, "lambda:GetFunctionConfiguration", err)
		return
	}
	const again = "deploy the stack again"
	switch f.State {
	case "", "Active", "Inactive": // an idle one is woken by its next call
		v.says("active")
	case "Pending":
		v.warns("wait a minute and look again", "it is being created")
	default:
		v.fails(again, "its state is %s: %s", f.State, aws.ToString(f.StateReason))
	}
	switch f.LastUpdateStatus {
	case "", "Successful":
	case "InProgress":
		v.warns("wait a minute and look again", "it is being updated")
	default:
		v.fails(again, "its last update is %s: %s", f.LastUpdateStatus, aws.ToString(f.LastUpdateStatusReason))
	}
	if len(f.Architectures) > 0 {
		v.says("%s on %s", f.Runtime, f.Architectures[0])
	}
	if f.TracingConfig == nil || f.TracingConfig.Mode != "Active" {
		v.warns(again+": the construct traces", "it is not traced by X-Ray")
	}
	if f.LoggingConfig != nil && aws.ToString(f.LoggingConfig.LogGroup) != "" {
		v.says("logs to %s", *f.LoggingConfig.LogGroup)
	}
	e.usesKey(f.KMSKeyArn)
	c, err := e.functions.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
	switch {
	case err != nil:
		e.cannot(v, "its concurrency", "lambda:GetFunctionConcurrency", err)
	case c.ReservedConcurrentExecutions != nil && *c.ReservedConcurrentExecutions == 0:
		v.fails("switch it on: `aws lambda delete-function-concurrency --function-name "+name+"`", "it is switched off: its reserved concurrency is 0")
	}
}

func (e *exam) mappingChecks() []check {
	return []check{
		one("mapping.Outcomes", func(ctx context.Context, v *verdict) { e.mapping(ctx, v, e.at.OutcomesQueueURL, "Tracker") }),
		one("mapping.Replay", func(ctx context.Context, v *verdict) { e.mapping(ctx, v, e.at.ReplayQueueURL, "ReplayListener") }),
	}
}

// mapping looks at what feeds a queue to a function.
func (e *exam) mapping(ctx context.Context, v *verdict, queue, role string) {
	name, source := e.at.Functions[role], e.queueARN(queue)
	pages := lambda.NewListEventSourceMappingsPaginator(e.functions, &lambda.ListEventSourceMappingsInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.cannot(v, "the mapping of "+name, "lambda:ListEventSourceMappings", err)
			return
		}
		for _, m := range page.EventSourceMappings {
			if aws.ToString(m.EventSourceArn) != source {
				continue
			}
			update := "`aws lambda update-event-source-mapping --uuid " + aws.ToString(m.UUID)
			switch state := aws.ToString(m.State); state {
			case "Enabled":
				v.says("enabled")
			case "Creating", "Enabling", "Updating":
				v.warns("wait a minute and look again", "its state is %s", state)
			default:
				v.fails("switch it on: "+update+" --enabled`", "it is %s: the queue is not read", strings.ToLower(state))
			}
			if slices.Contains(m.FunctionResponseTypes, "ReportBatchItemFailures") {
				v.says("messages that fail come back alone")
			} else {
				v.fails(update+" --function-response-types ReportBatchItemFailures`", "one message that fails brings back its whole batch")
			}
			return
		}
	}
	v.fails("`aws cloudformation detect-stack-drift --stack-name "+e.at.Stack+"` finds what else was removed", "nothing feeds %s to %s", source, name)
}
