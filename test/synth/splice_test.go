package synth_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// machine is the part of a state machine's definition that the splice is about.
type machine struct {
	StartAt string
	States  map[string]state
}

type state struct {
	Type, Next, Default string
	End                 bool
	Choices, Catch      []struct{ Next string }
	Branches            []machine
	ItemProcessor       *machine
	Retry               []retrier
	Parameters, Assign  map[string]any
	OutputPath          string
	Resource            string
}

type retrier struct {
	ErrorEquals    []string
	BackoffRate    float64
	MaxAttempts    int
	JitterStrategy string
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// spliced returns the definition of a construct with the given workflow.
func spliced(t *testing.T, workflow func(awscdk.Stack) ingestion.Workflow) machine {
	t.Helper()
	stack := newStack(t)
	newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: workflow(stack), ResourceIdPath: jsii.String("$.id")})
	return decode[machine](t, definition(t, synth(t, stack).one(t, "AWS::StepFunctions::StateMachine", "IngestionStateMachine")))
}

// edges prints where every state leads: "Next", "(end)", "?Choice", "!Catch".
func (m machine) edges() string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(m.States)) {
		s := m.States[name]
		var to []string
		for _, c := range s.Choices {
			to = append(to, "?"+c.Next)
		}
		if s.Default != "" {
			to = append(to, s.Default)
		}
		if s.Next != "" {
			to = append(to, s.Next)
		}
		if s.End {
			to = append(to, "(end)")
		}
		for _, c := range s.Catch {
			to = append(to, "!"+c.Next)
		}
		lines = append(lines, strings.TrimSpace(name+" "+strings.Join(to, " ")))
	}
	return strings.Join(lines, "; ")
}

func TestSplice(t *testing.T) {
	type states struct{ stack awscdk.Stack }
	pass := func(s states, id string) awsstepfunctions.Pass {
		return awsstepfunctions.NewPass(s.stack, jsii.String(id), nil)
	}
	choice := func(s states, id string) awsstepfunctions.Choice {
		return awsstepfunctions.NewChoice(s.stack, jsii.String(id), nil)
	}
	is := func(value string) awsstepfunctions.Condition {
		return awsstepfunctions.Condition_StringEquals(jsii.String("$.kind"), jsii.String(value))
	}
	for _, tt := range []struct {
		name  string
		build func(states) awsstepfunctions.IChainable
		want  string
	}{
		{"a single state", func(s states) awsstepfunctions.IChainable { return pass(s, "A") },
			"A Publish; Publish (end); Record A"},
		{"a chain", func(s states) awsstepfunctions.IChainable { return pass(s, "A").Next(pass(s, "B")) },
			"A B; B Publish; Publish (end); Record A"},
		{"a first state that leads on", func(s states) awsstepfunctions.IChainable {
			a := pass(s, "A")
			a.Next(pass(s, "B"))
			return a
		}, "A B; B Publish; Publish (end); Record A"},
		{"a Choice with several open ends", func(s states) awsstepfunctions.IChainable {
			return choice(s, "C").When(is("a"), pass(s, "A"), nil).When(is("b"), pass(s, "B").Next(pass(s, "B2")), nil).
				Otherwise(pass(s, "O"))
		}, "A Publish; B B2; B2 Publish; C ?A ?B O; O Publish; Publish (end); Record C"},
		{"a Choice without Otherwise", func(s states) awsstepfunctions.IChainable {
			return choice(s, "C").When(is("a"), pass(s, "A"), nil)
		}, "A Publish; C ?A; Publish (end); Record C"},
		{"a Choice after which the chain goes on", func(s states) awsstepfunctions.IChainable {
			return pass(s, "S").Next(choice(s, "C").When(is("a"), pass(s, "A"), nil).
				Afterwards(&awsstepfunctions.AfterwardsOptions{IncludeOtherwise: jsii.Bool(true)}))
		}, "A Publish; C ?A Publish; Publish (end); Record S; S C"},
		{"a Choice that joins again", func(s states) awsstepfunctions.IChainable {
			return choice(s, "C").When(is("a"), pass(s, "A"), nil).When(is("b"), pass(s, "B"), nil).
				Afterwards(nil).Next(pass(s, "Z"))
		}, "A Z; B Z; C ?A ?B; Publish (end); Record C; Z Publish"},
		{"Succeed and Fail", func(s states) awsstepfunctions.IChainable {
			return choice(s, "C").
				When(is("skip"), awsstepfunctions.NewSucceed(s.stack, jsii.String("Skip"), nil), nil).
				When(is("bad"), awsstepfunctions.NewFail(s.stack, jsii.String("Bad"), nil), nil).
				Otherwise(pass(s, "O"))
		}, "Bad; C ?Skip ?Bad O; O Publish; Publish (end); Record C; Skip"},
		{"an end that only a Catch leads to", func(s states) awsstepfunctions.IChainable {
			p := awsstepfunctions.NewParallel(s.stack, jsii.String("P"), nil)
			p.Branch(pass(s, "In"))
			p.AddCatch(pass(s, "Handle").Next(pass(s, "Clean")), nil)
			return p
		}, "Clean (end); Handle Clean; P Publish !Handle; Publish (end); Record P"},
		{"an end that a Catch leads to as well", func(s states) awsstepfunctions.IChainable {
			p := awsstepfunctions.NewParallel(s.stack, jsii.String("P"), nil)
			p.Branch(pass(s, "In"))
			end := pass(s, "End")
			p.AddCatch(end, nil)
			return p.Next(end)
		}, "End Publish; P End !End; Publish (end); Record P"},
		{"a Parallel and a Map", func(s states) awsstepfunctions.IChainable {
			p := awsstepfunctions.NewParallel(s.stack, jsii.String("P"), nil)
			p.Branch(pass(s, "Left"), pass(s, "Right"))
			m := awsstepfunctions.NewMap(s.stack, jsii.String("M"), nil)
			m.ItemProcessor(pass(s, "Each"), nil)
			return p.Next(m)
		}, "M Publish; P M; Publish (end); Record P"},
		{"a loop with a way out", func(s states) awsstepfunctions.IChainable {
			a := pass(s, "A")
			wait := awsstepfunctions.NewWait(s.stack, jsii.String("W"), &awsstepfunctions.WaitProps{
				Time: awsstepfunctions.WaitTime_Duration(awscdk.Duration_Seconds(jsii.Number(1))),
			})
			a.Next(choice(s, "C").When(is("again"), wait.Next(a), nil).Otherwise(pass(s, "Z")))
			return a
		}, "A C; C ?W Z; Publish (end); Record A; W A; Z Publish"},
		{"a loop without one", func(s states) awsstepfunctions.IChainable {
			a := pass(s, "A")
			a.Next(pass(s, "B").Next(a))
			return a
		}, "A B; B A; Record A"},
		{"a state of the user's own ASL", func(s states) awsstepfunctions.IChainable {
			return awsstepfunctions.NewCustomState(s.stack, jsii.String("X"), &awsstepfunctions.CustomStateProps{
				StateJson: &map[string]any{"Type": "Pass"},
			})
		}, "Publish (end); Record X; X Publish"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asl := spliced(t, func(s awscdk.Stack) ingestion.Workflow {
				return ingestion.FromChainable(tt.build(states{s}))
			})
			if got := asl.edges(); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
			if asl.StartAt != "Record" {
				t.Errorf("starts at %s, want Record", asl.StartAt)
			}
			for name, s := range asl.States {
				inner := s.Branches
				if s.ItemProcessor != nil {
					inner = append(inner, *s.ItemProcessor)
				}
				for _, m := range inner {
					if strings.Contains(m.edges(), "Publish") || !strings.Contains(m.edges(), "(end)") {
						t.Errorf("the splice went into %s: %s", name, m.edges())
					}
				}
			}
		})
	}
}

func TestAWarningCanBeAcknowledgedBeforeAndAfter(t *testing.T) {
	never := func(stack awscdk.Stack) {
		work := awsstepfunctions.NewSucceed(stack, jsii.String("Done"), nil)
		newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: ingestion.FromChainable(work), ResourceIdPath: jsii.String("$.id")})
	}
	acknowledge := func(stack awscdk.Stack) {
		awscdk.Annotations_Of(stack).AcknowledgeWarning(jsii.String("ReplayableIngestion:NeverPublishes"), nil)
	}
	nothing := func(awscdk.Stack) {}
	for _, tt := range []struct {
		name          string
		before, after func(awscdk.Stack)
		want          int
	}{
		{"not", nothing, nothing, 1},
		{"before", acknowledge, nothing, 0},
		{"after", nothing, acknowledge, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			tt.before(stack)
			never(stack)
			tt.after(stack)
			found := assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"),
				assertions.Match_StringLikeRegexp(jsii.String("nothing is published")))
			if len(*found) != tt.want {
				t.Errorf("got %d warnings, want %d", len(*found), tt.want)
			}
		})
	}
}

func TestAWorkflowThatNeverPublishesIsWarnedAbout(t *testing.T) {
	stack := newStack(t)
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewSucceed(stack, jsii.String("Done"), nil)),
		ResourceIdPath: jsii.String("$.id"),
	})
	warnings := assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Ingestion/Publish"),
		assertions.Match_StringLikeRegexp(jsii.String("nothing is published")))
	if len(*warnings) != 1 {
		t.Errorf("got %d warnings, want 1", len(*warnings))
	}
}

func TestRecordAndPublishTasks(t *testing.T) {
	asl := spliced(t, func(s awscdk.Stack) ingestion.Workflow { return pass(s, "Work") })
	execution := "execution:map[arn.$:$$.Execution.Id name.$:$$.Execution.Name " +
		"redriveCount.$:$$.Execution.RedriveCount startTime.$:$$.Execution.StartTime]"
	record, publish := asl.States["Record"], asl.States["Publish"]
	if got, want := fmt.Sprint(record.Parameters), "map["+execution+" input.$:$ retryCount.$:$$.State.RetryCount]"; got != want {
		t.Errorf("Record gets %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(publish.Parameters), "map["+execution+" output.$:$ retryCount.$:$$.State.RetryCount]"; got != want {
		t.Errorf("Publish gets %s, want %s", got, want)
	}
	if record.OutputPath != "$.event" || fmt.Sprint(record.Assign) != "map[ingestion.$:$.ingestion]" {
		t.Errorf("Record hands on %s and assigns %v", record.OutputPath, record.Assign)
	}
	for name, s := range map[string]state{"Record": record, "Publish": publish} {
		if len(s.Retry) != 1 || s.Retry[0].BackoffRate != 2 || s.Retry[0].JitterStrategy != "FULL" || s.Retry[0].MaxAttempts != 4 {
			t.Errorf("%s: got retries %+v", name, s.Retry)
		}
	}
	raw := synth(t, func() awscdk.Stack {
		stack := newStack(t)
		newIngestion(stack, valid(stack))
		return stack
	}()).one(t, "AWS::StepFunctions::StateMachine", "IngestionStateMachine")
	states := definition(t, raw)["States"].(map[string]any)
	if path, ok := states["Publish"].(map[string]any)["ResultPath"]; !ok || path != nil {
		t.Errorf("Publish changes the output: ResultPath %v", path)
	}
}

func TestFromStateMachine(t *testing.T) {
	stack := newStack(t)
	child := awsstepfunctions.StateMachine_FromStateMachineName(stack, jsii.String("Child"), jsii.String("existing"))
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow: ingestion.FromStateMachine(child, nil), ResourceIdPath: jsii.String("$.id"),
	})
	tpl := synth(t, stack)
	asl := decode[machine](t, definition(t, tpl.one(t, "AWS::StepFunctions::StateMachine", "IngestionStateMachine")))
	if got := asl.edges(); got != "Publish (end); Record Run; Run Publish" {
		t.Errorf("got %s", got)
	}
	run := asl.States["Run"]
	if !strings.HasSuffix(run.Resource, ":states:::states:startExecution.sync:2") || run.OutputPath != "$.Output" ||
		run.Parameters["Input.$"] != "$" || run.Parameters["Name.$"] != nil {
		t.Errorf("got %+v", run)
	}
	env := tpl.one(t, "AWS::Lambda::Function", "IngestionRecordFunction")["Environment"].(map[string]any)
	want(t, env, map[string]string{"Variables.MAX_EVENT_BYTES": "128000"})
	var got []string
	for _, line := range permissions(t, tpl) {
		if rest, ok := strings.CutPrefix(line, "IngestionStateMachineRole  states:"); ok {
			got = append(got, rest)
		}
	}
	arn := "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:"
	expected := []string{
		"DescribeExecution  " + arn + "execution:existing:*",
		"StartExecution  " + arn + "stateMachine:existing",
		"StopExecution  " + arn + "execution:existing:*",
	}
	if !slices.Equal(got, expected) {
		t.Errorf("got %q, want %q", got, expected)
	}
}

func keyedMachine(s awscdk.Stack, key awskms.IKey) awsstepfunctions.StateMachine {
	return awsstepfunctions.NewStateMachine(s, jsii.String("Child"), &awsstepfunctions.StateMachineProps{
		DefinitionBody:          awsstepfunctions.DefinitionBody_FromChainable(awsstepfunctions.NewPass(s, jsii.String("P"), nil)),
		EncryptionConfiguration: awsstepfunctions.NewCustomerManagedEncryptionConfiguration(key, nil),
	})
}

func TestAnEncryptedStateMachineCanBeStarted(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromStateMachine(keyedMachine(stack, key), &ingestion.StateMachineOptions{EncryptionKey: key}),
		ResourceIdPath: jsii.String("$.id"),
	})
	var got []string
	for _, line := range permissions(t, synth(t, stack)) {
		if strings.HasPrefix(line, "IngestionStateMachineRole  kms:") {
			got = append(got, line)
		}
	}
	if len(got) != 2 || !strings.Contains(got[0], "kms:Decrypt  ${Key") || !strings.Contains(got[1], "kms:GenerateDataKey  ${Key") {
		t.Errorf("got %q, want the right to use the child's key", got)
	}
}

func TestStartsThatAreThrottledAreRetried(t *testing.T) {
	stack := newStack(t)
	child := awsstepfunctions.StateMachine_FromStateMachineName(stack, jsii.String("Child"), jsii.String("existing"))
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow: ingestion.FromStateMachine(child, nil), ResourceIdPath: jsii.String("$.id"),
	})
	tpl := synth(t, stack)
	text := func(id string) string {
		b, err := json.Marshal(definition(t, tpl.one(t, "AWS::StepFunctions::StateMachine", id)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	own, series := text("IngestionStateMachine"), text("IngestionSeriesMachine")
	const throttled = `"StepFunctions.ExecutionLimitExceeded","StepFunctions.ExecutionLimitExceededException","StepFunctions.ThrottlingException"`
	if n := strings.Count(own, throttled); n != 1 {
		t.Errorf("the child's start is retried in %d places, want 1: %s", n, own)
	}
	if n := strings.Count(series, throttled); n != 2 { // Run and RunAndContinue
		t.Errorf("a version's start is retried in %d places, want 2: %s", n, series)
	}
}

func TestFromAnExpressStateMachine(t *testing.T) {
	for name, child := range map[string]func(awscdk.Stack) ingestion.Workflow{
		"of this app": func(s awscdk.Stack) ingestion.Workflow {
			return ingestion.FromStateMachine(awsstepfunctions.NewStateMachine(s, jsii.String("Child"), &awsstepfunctions.StateMachineProps{
				DefinitionBody:   awsstepfunctions.DefinitionBody_FromChainable(awsstepfunctions.NewPass(s, jsii.String("P"), nil)),
				StateMachineType: awsstepfunctions.StateMachineType_EXPRESS,
			}), nil)
		},
		"imported": func(s awscdk.Stack) ingestion.Workflow {
			return ingestion.FromStateMachine(
				awsstepfunctions.StateMachine_FromStateMachineName(s, jsii.String("Child"), jsii.String("existing")),
				&ingestion.StateMachineOptions{StateMachineType: awsstepfunctions.StateMachineType_EXPRESS})
		},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: child(stack), ResourceIdPath: jsii.String("$.id")})
			tpl := synth(t, stack)
			asl := decode[machine](t, definition(t, tpl.one(t, "AWS::StepFunctions::StateMachine", "IngestionStateMachine")))
			if got := asl.edges(); got != "Explained RunFailed; Failed Explained; Outcome ?Output ?TimedOut Failed; "+
				"Output Publish; Publish (end); Record Run; Run Outcome; RunFailed; TimedOut Explained" {
				t.Errorf("got %s", got)
			}
			run := asl.States["Run"]
			if !strings.HasSuffix(run.Resource, ":states:::aws-sdk:sfn:startSyncExecution") || run.Parameters["Input.$"] != "States.JsonToString($)" {
				t.Errorf("got %+v", run)
			}
			if got := asl.States["Output"].Parameters["output.$"]; got != "States.StringToJson($.Output)" {
				t.Errorf("got %v", got)
			}
			for name, want := range map[string]string{
				"TimedOut":  "map[answer.$:$ otherwise:map[Cause:The state machine gave no cause. Error:States.Timeout]]",
				"Failed":    "map[answer.$:$ otherwise:map[Cause:The state machine gave no cause. Error:States.TaskFailed]]",
				"Explained": "map[failure.$:States.JsonMerge($.otherwise, $.answer, false)]",
			} {
				if got := fmt.Sprint(asl.States[name].Parameters); got != want {
					t.Errorf("%s: got %s, want %s", name, got, want)
				}
			}
			env := tpl.one(t, "AWS::Lambda::Function", "IngestionRecordFunction")["Environment"].(map[string]any)
			want(t, env, map[string]string{"Variables.MAX_EVENT_BYTES": "64000"})
			var got []string
			for _, line := range permissions(t, tpl) {
				if rest, ok := strings.CutPrefix(line, "IngestionStateMachineRole  states:"); ok {
					got = append(got, rest)
				}
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], "StartSyncExecution  ") || strings.Contains(got[0], "*") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestIsReplay(t *testing.T) {
	condition := fmt.Sprint(ingestion.IsReplay().RenderCondition())
	if condition != "map[IsPresent:true Variable:$$.Execution.Input.replayableIngestion]" {
		t.Errorf("got %s", condition)
	}
	if got := ingestion.IsReplayExpression; got != "$exists($states.context.Execution.Input.replayableIngestion)" {
		t.Errorf("got %s", got)
	}
}
