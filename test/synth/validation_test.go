package synth_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/internal/errs"
)

func TestEveryFaultIsReportedAtOnceAndNothingIsCreated(t *testing.T) {
	stack := newStack(t)
	composite := awscloudwatch.NewCompositeAlarm(stack, jsii.String("Composite"), &awscloudwatch.CompositeAlarmProps{
		AlarmRule: awscloudwatch.AlarmRule_FromBoolean(jsii.Bool(true)),
	})
	before := len(*stack.Node().Children())
	message := panics(func() {
		newIngestion(stack, &ingestion.ReplayableIngestionProps{
			PauseAlarm:                  composite,
			ResourceIdPath:              jsii.String("$..id"),
			OwnerIdPath:                 jsii.String("owner"),
			Timeout:                     awscdk.Duration_Millis(jsii.Number(10)),
			NoncurrentVersionExpiration: awscdk.Duration_Hours(jsii.Number(1)),
			MaximumConcurrency:          jsii.Number(1),
			AutoReplayInterval:          awscdk.Duration_Seconds(jsii.Number(90)),
			RetryOn:                     jsii.Strings("ok", "["),
			DoNotRetryOn:                jsii.Strings(""),
			MaxAttempts:                 jsii.Number(2.5),
			BackoffBase:                 awscdk.Duration_Hours(jsii.Number(2)),
			BackoffRate:                 jsii.Number(0.5),
			MaxBackoff:                  awscdk.Duration_Hours(jsii.Number(1)),
			MaxAge:                      awscdk.Duration_Days(jsii.Number(15)),
			SettleAfter:                 awscdk.Duration_Days(jsii.Number(400_000)),
			UnaccountedAfter:            awscdk.Duration_Seconds(jsii.Number(5)),
			CanaryThreshold:             jsii.Number(0),
			StartExecutionRate:          jsii.Number(0.5),
			MaxReplayShare:              jsii.Number(1.5),
			MaxRequestedShare:           jsii.Number(-0.1),
			StateTransitionRate:         jsii.Number(0),
			TransitionsPerExecution:     jsii.Number(30_000),
			LogLevel:                    awslambda.ApplicationLogLevel_TRACE,
			Alarms:                      jsii.Bool(false),
			AlarmActions:                &[]awscloudwatch.IAlarmAction{nil},
			RunbookUrl:                  jsii.String(""),
			FailureRateThreshold:        jsii.Number(101),
			QuarantineThreshold:         jsii.Number(0.5),
			ReplayAgeThreshold:          awscdk.Duration_Seconds(jsii.Number(1)),
		})
	})
	lines := strings.Split(message, "\n")
	for _, want := range []string{
		`ReplayableIngestion "Ingestion": Workflow is required: use FromChainable, FromDefinition, FromDefinitionFile or FromStateMachine`,
		`ResourceIdPath: not a path: "$..id": want the root $ followed by member names and indexes only`,
		`OwnerIdPath: not a path: "owner"`,
		"Timeout must be from 1s to 8784h0m0s, got 10ms",
		"NoncurrentVersionExpiration must be from 24h0m0s to 876000h0m0s, got 1h0m0s",
		"MaximumConcurrency must be a whole number from 2 to 1000, got 1",
		"AutoReplayInterval must be in whole minutes, got 1m30s",
		`RetryOn[1] must be a glob that path.Match reads, got "["`,
		"DoNotRetryOn[0] must be the name of an error or a glob, got nothing",
		"MaxAttempts must be a whole number from 1 to 100, got 2.5",
		"BackoffRate must be a number from 1 to 10, got 0.5",
		"MaxBackoff must be BackoffBase (2h0m0s) or more, got 1h0m0s",
		"MaxAge must be from 1m0s to 336h0m0s, got 360h0m0s",
		"SettleAfter must be from 1m0s to 24h0m0s, got ",
		"UnaccountedAfter must be from 1m0s to 336h0m0s, got 5s",
		"UnaccountedAfter must be SettleAfter (",
		"PauseAlarm must be a metric alarm, got the composite alarm Test/Composite: pass one of its metric alarms",
		"CanaryThreshold must be a whole number from 1 to 10000, got 0",
		"StartExecutionRate must be a number from 1 to 10000, got 0.5",
		"MaxReplayShare must be a number from 0.001 to 1, got 1.5",
		"MaxRequestedShare must be a number from 0 to 0.999, got -0.1",
		"StateTransitionRate must be a number from 1 to 100000, got 0",
		"TransitionsPerExecution must be a number from 1 to 25000, got 30000",
		"LogLevel must be INFO, WARN or ERROR, which are what the functions write, got TRACE",
		"AlarmActions[0] must be an action, such as awscloudwatchactions.NewSnsAction, got nothing",
		"RunbookUrl must be the URL of a runbook, got nothing: leave it out for this project's",
		"FailureRateThreshold must be a number from 1 to 100, got 101",
		"QuarantineThreshold must be a whole number from 1 to 10000, got 0.5",
		"ReplayAgeThreshold must be from 1m0s to 336h0m0s, got 1s",
		"AlarmActions is of no use with Alarms false: leave one of them out",
		"FailureRateThreshold is of no use with Alarms false: leave one of them out",
		"QuarantineThreshold is of no use with Alarms false: leave one of them out",
		"ReplayAgeThreshold is of no use with Alarms false: leave one of them out",
	} {
		found := false
		for _, line := range lines {
			found = found || strings.HasPrefix(line, want)
		}
		if !found {
			t.Errorf("want %q in:\n%s", want, message)
		}
	}
	if len(lines) != 33 {
		t.Errorf("got %d faults, want 33:\n%s", len(lines), message)
	}
	if got := len(*stack.Node().Children()) - before; got != 0 {
		t.Errorf("%d constructs were created before the panic", got)
	}
}

func TestRequiredPropsAreNamed(t *testing.T) {
	stack := newStack(t)
	for name, props := range map[string]*ingestion.ReplayableIngestionProps{"nil props": nil, "empty props": {}} {
		message := panics(func() { newIngestion(stack, props) })
		if !strings.Contains(message, "Workflow") || !strings.Contains(message, "ResourceIdPath") {
			t.Errorf("%s: got %q", name, message)
		}
	}
}

func TestBadWorkflows(t *testing.T) {
	for _, tt := range []struct {
		name     string
		workflow func(awscdk.Stack) ingestion.Workflow
		want     string
	}{
		{"no states", func(awscdk.Stack) ingestion.Workflow { return ingestion.FromChainable(nil) },
			"Workflow has no start state"},
		{"no state machine", func(awscdk.Stack) ingestion.Workflow { return ingestion.FromStateMachine(nil, nil) },
			"Workflow has no state machine"},
		{"a type that is not the machine's", func(s awscdk.Stack) ingestion.Workflow {
			return ingestion.FromStateMachine(awsstepfunctions.NewStateMachine(s, jsii.String("Child"), &awsstepfunctions.StateMachineProps{
				DefinitionBody: awsstepfunctions.DefinitionBody_FromChainable(awsstepfunctions.NewPass(s, jsii.String("P"), nil)),
			}), &ingestion.StateMachineOptions{StateMachineType: awsstepfunctions.StateMachineType_EXPRESS})
		}, "Workflow Test/Child is STANDARD, and StateMachineType says EXPRESS: leave it out"},
		{"a key that nothing is said of", func(s awscdk.Stack) ingestion.Workflow {
			return ingestion.FromStateMachine(keyedMachine(s, awskms.NewKey(s, jsii.String("Key"), nil)), nil)
		}, "Workflow Test/Child is encrypted with a KMS key: pass it as EncryptionKey of StateMachineOptions"},
		{"a type that there is not", func(s awscdk.Stack) ingestion.Workflow {
			return ingestion.FromStateMachine(
				awsstepfunctions.StateMachine_FromStateMachineName(s, jsii.String("Child"), jsii.String("existing")),
				&ingestion.StateMachineOptions{StateMachineType: "FAST"})
		}, "Workflow StateMachineType must be STANDARD or EXPRESS, got FAST"},
		{"a state that assigns our variable", func(s awscdk.Stack) ingestion.Workflow {
			inner := awsstepfunctions.NewPass(s, jsii.String("Inner"), &awsstepfunctions.PassProps{
				Assign: &map[string]any{"ingestion": awsstepfunctions.JsonPath_StringAt(jsii.String("$.a"))},
			})
			each := awsstepfunctions.NewMap(s, jsii.String("Each"), nil)
			each.ItemProcessor(inner, nil)
			return ingestion.FromChainable(each)
		}, `Workflow state "Inner" assigns the variable "ingestion", which is reserved: rename it`},
		{"a definition with faults", func(awscdk.Stack) ingestion.Workflow {
			return ingestion.FromDefinition(jsii.String(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${fn}","Next":"Publish"},
				"Publish":{"Type":"Pass"}}}`), &ingestion.DefinitionOptions{
				Substitutions: &map[string]*string{"f": jsii.String("x"), "g": nil},
				Policies:      &[]awsiam.PolicyStatement{nil},
			})
		}, `Workflow definition has no value for Substitutions["g"], got nil
Workflow definition has no statement in Policies[0], got nil
Workflow definition has no substitution for ${fn} in States.A.Resource: add "fn" to Substitutions
Workflow definition has a state named Publish, which is reserved: rename it
Workflow definition state "Publish" has neither Next nor "End": true: add one`},
		{"an empty definition", func(awscdk.Stack) ingestion.Workflow { return ingestion.FromDefinition(nil, nil) },
			"Workflow definition is empty: pass a workflow in the Amazon States Language, as JSON or YAML"},
		{"a definition that is known later", func(s awscdk.Stack) ingestion.Workflow {
			return ingestion.FromDefinition(awscdk.NewCfnParameter(s, jsii.String("D"), nil).ValueAsString(), nil)
		}, "Workflow definition must be known when the app synthesizes, got a token"},
		{"a definition that Step Functions would not take", func(awscdk.Stack) ingestion.Workflow {
			return ingestion.FromDefinition(jsii.String(`{"StartAt":"A","States":{"A":{"Type":"Pass","Result":"`+
				strings.Repeat("x", 1<<20)+`","End":true}}}`), nil)
		}, "Workflow definition has 1048645 bytes without white space, Step Functions takes 1048576: move a part into"},
		{"a file that is not there", func(awscdk.Stack) ingestion.Workflow {
			return ingestion.FromDefinitionFile(jsii.String("nowhere.asl.json"), nil)
		}, "Workflow definition nowhere.asl.json cannot be read: open nowhere.asl.json: no such file or directory"},
		{"a reserved name", func(s awscdk.Stack) ingestion.Workflow { return pass(s, "Record") },
			"Workflow has a state named Record, which is reserved: rename it"},
		{"a reserved name behind a Catch and in a Map", func(s awscdk.Stack) ingestion.Workflow {
			inner := awsstepfunctions.NewPass(s, jsii.String("Inner"), &awsstepfunctions.PassProps{StateName: jsii.String("Record")})
			each := awsstepfunctions.NewMap(s, jsii.String("Each"), nil)
			each.ItemProcessor(inner, nil)
			each.AddCatch(awsstepfunctions.NewPass(s, jsii.String("Publish"), nil), nil)
			return ingestion.FromChainable(each)
		}, "Workflow has a state named Publish, which is reserved: rename it\nWorkflow has a state named Record, which"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			workflow := tt.workflow(stack)
			before := len(*stack.Node().FindAll(constructs.ConstructOrder_PREORDER))
			message := panics(func() {
				newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: workflow, ResourceIdPath: jsii.String("$.id")})
			})
			if !strings.Contains(message, tt.want) {
				t.Errorf("got %q, want %q in it", message, tt.want)
			}
			if got := len(*stack.Node().FindAll(constructs.ConstructOrder_PREORDER)); got != before {
				t.Error("constructs were created before the panic")
			}
		})
	}
}

func TestTokensAreNotCheckedWhereCloudFormationTakesThem(t *testing.T) {
	stack := newStack(t)
	text := func(id string) *string {
		return awscdk.NewCfnParameter(stack, jsii.String(id), nil).ValueAsString()
	}
	number := awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	props := valid(stack)
	props.ResourceIdPath, props.OwnerIdPath = text("Id"), text("Owner")
	props.MaximumConcurrency = number
	if message := panics(func() { newIngestion(stack, props) }); message != "" {
		t.Errorf("got %s", message)
	}
}

func TestTokensAreRefusedWhereTheValueIsNeeded(t *testing.T) {
	stack := newStack(t)
	number := awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	props := valid(stack)
	props.MaxAttempts = number
	props.BackoffBase = awscdk.Duration_Seconds(number)
	props.AutoReplayInterval = awscdk.Duration_Minutes(number)
	message := panics(func() { newIngestion(stack, props) })
	for _, prop := range []string{"MaxAttempts", "BackoffBase", "AutoReplayInterval"} {
		if !strings.Contains(message, prop+" must be known when the app synthesizes, got a token") {
			t.Errorf("%s is not refused: %s", prop, message)
		}
	}
}

// TestRetriedErrorIsTheFunctions: the construct does not import the functions' error names, because those bring the
// SDK along.
func TestRetriedErrorIsTheFunctions(t *testing.T) {
	asl := spliced(t, func(s awscdk.Stack) ingestion.Workflow { return pass(s, "Work") })
	for _, state := range []string{"Record", "Publish"} {
		if retry := asl.States[state].Retry; len(retry) != 1 || !contains(retry[0].ErrorEquals, errs.ServiceUnavailable) {
			t.Errorf("%s: got %v, want %s in it", state, retry, errs.ServiceUnavailable)
		}
	}
}
