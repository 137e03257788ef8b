package synth_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

const machineType = "AWS::StepFunctions::StateMachine"

// oneState is a definition with one state.
const oneState = `{"StartAt":"Work","States":{"Work":{"Type":"Pass","End":true}}}`

func fromDefinition(text string, options *ingestion.DefinitionOptions) func(awscdk.Stack) ingestion.Workflow {
	return func(awscdk.Stack) ingestion.Workflow { return ingestion.FromDefinition(jsii.String(text), options) }
}

// roleOf returns what the state machine's role may do.
func roleOf(t *testing.T, tpl template) []string {
	t.Helper()
	var got []string
	for _, line := range permissions(t, tpl) {
		if strings.HasPrefix(line, "IngestionStateMachineRole  ") || strings.HasPrefix(line, "IngestionStateMachineDistributedMapPolicy") {
			got = append(got, line)
		}
	}
	return got
}

func TestADefinitionBecomesTheSameMachineAsItsStates(t *testing.T) {
	machines := map[string]map[string]any{}
	roles := map[string][]string{}
	for name, workflow := range map[string]func(awscdk.Stack) ingestion.Workflow{
		"states":     func(s awscdk.Stack) ingestion.Workflow { return pass(s, "Work") },
		"definition": fromDefinition(oneState, nil),
	} {
		stack := newStack(t)
		props := &ingestion.ReplayableIngestionProps{
			Workflow: workflow(stack), ResourceIdPath: jsii.String("$.id"), Timeout: awscdk.Duration_Minutes(jsii.Number(2)),
		}
		newIngestion(stack, props)
		tpl := synth(t, stack)
		roles[name] = roleOf(t, tpl)
		machines[name] = tpl.one(t, machineType, "IngestionStateMachine")
		machines[name]["DefinitionString"] = definition(t, machines[name])
	}
	if !reflect.DeepEqual(machines["states"], machines["definition"]) {
		t.Errorf("got %v\nand %v", machines["states"], machines["definition"])
	}
	if !slices.Equal(roles["states"], roles["definition"]) || len(roles["states"]) < 4 {
		t.Errorf("got %v\nand %v", roles["states"], roles["definition"])
	}
}

func TestADefinitionKeepsItsOrderAndEveryDigit(t *testing.T) {
	stack := newStack(t)
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow: fromDefinition(`{"Comment":"c","Version":"1.0","TimeoutSeconds":60,"StartAt":"B","States":{"B":{"Type":"Pass",
			"Result":{"n":12345678901234567890.50,"none":null},"InputPath":null,"Next":"A"},"A":{"Type":"Pass","End":true}}}`, nil)(stack),
		ResourceIdPath: jsii.String("$.id"),
	})
	text := render(synth(t, stack).one(t, machineType, "IngestionStateMachine")["DefinitionString"])
	want := `"B":{"Type":"Pass","Result":{"n":12345678901234567890.50,"none":null},"InputPath":null,"Next":"A"},"A":{"Type":"Pass","Next":"Publish"}`
	if !strings.Contains(text, want) || !strings.HasPrefix(text, `{"Comment":"c","Version":"1.0","TimeoutSeconds":60,"StartAt":"Record","States":{"Record":{`) {
		t.Errorf("got %s", text)
	}
}

func TestTheTimeoutOfADefinition(t *testing.T) {
	timed := strings.Replace(oneState, "{", `{"TimeoutSeconds":60,`, 1)
	for _, tt := range []struct {
		name, text string
		timeout    func(awscdk.Stack) awscdk.Duration
		want       string
	}{
		{"its own", timed, nil, "60"},
		{"that of the prop", timed, func(awscdk.Stack) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(2)) }, "120"},
		{"none", oneState, nil, "<nil>"},
		{"that of a parameter", timed, func(s awscdk.Stack) awscdk.Duration {
			return awscdk.Duration_Seconds(awscdk.NewCfnParameter(s, jsii.String("T"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber())
		}, "${T}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			props := &ingestion.ReplayableIngestionProps{Workflow: fromDefinition(tt.text, nil)(stack), ResourceIdPath: jsii.String("$.id")}
			if tt.timeout != nil {
				props.Timeout = tt.timeout(stack)
			}
			newIngestion(stack, props)
			text := render(synth(t, stack).one(t, machineType, "IngestionStateMachine")["DefinitionString"])
			if tt.want == "${T}" { // text in the template, a number when CloudFormation has put it in
				if !strings.Contains(text, `"TimeoutSeconds":${T},`) {
					t.Errorf("got %s", text)
				}
				return
			}
			var asl map[string]any
			if err := json.Unmarshal([]byte(text), &asl); err != nil || fmt.Sprint(asl["TimeoutSeconds"]) != tt.want {
				t.Errorf("got %s, %v", text, err)
			}
		})
	}
}

func TestSubstitutionsAndPoliciesOfADefinition(t *testing.T) {
	stack := newStack(t)
	queue := awssqs.NewQueue(stack, jsii.String("Queue"), nil)
	table := awsdynamodb.NewTable(stack, jsii.String("Table"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
	})
	workflow := ingestion.FromDefinition(jsii.String(`{"StartAt":"Send","States":{"Send":{"Type":"Task","Comment":"${literal} $.{a: b}","Resource":"arn:${partition}:states:::sqs:sendMessage",
		"Parameters":{"QueueUrl":"${queue}","MessageBody":"say \"${word}\" to `+*queue.QueueName()+`"},"End":true}}}`),
		&ingestion.DefinitionOptions{
			Substitutions: &map[string]*string{
				"partition": awscdk.Aws_PARTITION(), "queue": queue.QueueUrl(), "word": jsii.String(`"hi"`),
				"literal": jsii.String("${name}"), // CloudFormation would look for a parameter
			},
			Policies: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions: jsii.Strings("sqs:SendMessage"), Resources: &[]*string{queue.QueueArn()},
			})},
		})
	r := newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: workflow, ResourceIdPath: jsii.String("$.id")})
	table.Grant(r.StateMachine, jsii.String("dynamodb:GetItem"))
	tpl := synth(t, stack)
	props := tpl.one(t, machineType, "IngestionStateMachine")
	asl := decode[machine](t, definition(t, props))
	if text := render(props["DefinitionString"]); !strings.Contains(text, `"Comment":"\u0024{name} $.{a: b}"`) {
		t.Errorf("got %s", text)
	}
	send := asl.States["Send"]
	if send.Resource != "arn:${AWS::Partition}:states:::sqs:sendMessage" || send.Parameters["QueueUrl"] != "${Queue}" ||
		send.Parameters["MessageBody"] != `say ""hi"" to ${Queue.QueueName}` || send.Next != "Publish" {
		t.Errorf("got %+v", send)
	}
	text := strings.Join(roleOf(t, tpl), "\n")
	for _, want := range []string{"sqs:SendMessage  ${Queue.Arn}", "dynamodb:GetItem  ${Table.Arn}", "lambda:InvokeFunction  ${IngestionRecordFunction.Arn}"} {
		if !strings.Contains(text, want) {
			t.Errorf("the role may not %s:\n%s", want, text)
		}
	}
}

func TestADistributedMapOfADefinitionMayRunItself(t *testing.T) {
	roles := map[string][]string{}
	for name, workflow := range map[string]func(awscdk.Stack) ingestion.Workflow{
		"states": func(s awscdk.Stack) ingestion.Workflow {
			m := awsstepfunctions.NewDistributedMap(s, jsii.String("Each"), &awsstepfunctions.DistributedMapProps{Label: jsii.String("each")})
			m.ItemProcessor(awsstepfunctions.NewPass(s, jsii.String("One"), nil), nil)
			return ingestion.FromChainable(m)
		},
		"definition": fromDefinition(`{"StartAt":"Each","States":{"Each":{"Type":"Map","Label":"each","ItemProcessor":{"ProcessorConfig":
			{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"One","States":{"One":{"Type":"Pass","End":true}}},"End":true}}}`, nil),
	} {
		stack := newStack(t)
		newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: workflow(stack), ResourceIdPath: jsii.String("$.id")})
		for _, line := range roleOf(t, synth(t, stack)) { // CDK cuts the machine's name out of its ARN
			roles[name] = append(roles[name], strings.ReplaceAll(line, "${part 6 of ${IngestionStateMachine}}", "${IngestionStateMachine.Name}"))
		}
	}
	if !slices.Equal(roles["states"], roles["definition"]) {
		t.Errorf("got %q\nwant %q", roles["definition"], roles["states"])
	}
	if text := fmt.Sprint(roles["states"]); !strings.Contains(text, "states:RedriveExecution") {
		t.Errorf("the comparison proves nothing: %s", text)
	}
}

func TestALargeDefinitionIsAnAsset(t *testing.T) {
	stack := newStack(t)
	queue := awssqs.NewQueue(stack, jsii.String("Queue"), nil)
	seconds := awscdk.NewCfnParameter(stack, jsii.String("T"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow: fromDefinition(`{"StartAt":"Work","States":{"Work":{"Type":"Pass","Result":{"queue":"a \"${queue}\"","pad":"`+
			strings.Repeat("x", 200_000)+`"},"End":true}}}`, &ingestion.DefinitionOptions{Substitutions: &map[string]*string{"queue": queue.QueueArn()}})(stack),
		ResourceIdPath: jsii.String("$.id"), Timeout: awscdk.Duration_Seconds(seconds),
	})
	tpl := synth(t, stack)
	props := tpl.one(t, machineType, "IngestionStateMachine")
	values := decode[map[string]any](t, props["DefinitionSubstitutions"])
	if props["DefinitionString"] != nil || props["DefinitionS3Location"] == nil || len(values) != 4 { // two functions, the queue, the timeout
		t.Fatalf("got %v", props)
	}
	files, err := filepath.Glob(filepath.Join(*stack.Node().Root().(awscdk.App).Outdir(), "asset.*.asl.json"))
	if err != nil || len(files) == 0 {
		files, _ = filepath.Glob(filepath.Join(*stack.Node().Root().(awscdk.App).Outdir(), "asset.*.json"))
	}
	if len(files) != 1 {
		t.Fatalf("got %d definitions in the assembly, want 1", len(files))
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for name, value := range values { // as CloudFormation does
		text = strings.ReplaceAll(text, "${"+name+"}", render(value))
	}
	text = strings.Replace(text, `"TimeoutSeconds":${T}`, `"TimeoutSeconds":5`, 1)
	var asl struct {
		TimeoutSeconds int
		States         map[string]struct {
			Resource, Next string
			Result         struct{ Queue string }
		}
	}
	if err := json.Unmarshal([]byte(text), &asl); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	if !strings.Contains(text, `"ResultPath":null`) { // of Publish: CDK's JsonPath_DISCARD
		t.Error("Publish changes the output")
	}
	if asl.TimeoutSeconds != 5 || asl.States["Record"].Resource != "${IngestionRecordFunction.Arn}" ||
		asl.States["Work"].Result.Queue != `a "${Queue.Arn}"` || asl.States["Work"].Next != "Publish" {
		t.Errorf("got %.500s", text)
	}
}

func TestADefinitionThatNeverPublishesIsWarnedAbout(t *testing.T) {
	stack := newStack(t)
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow:       fromDefinition(`{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}`, nil)(stack),
		ResourceIdPath: jsii.String("$.id"),
	})
	warnings := assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Ingestion/Publish"),
		assertions.Match_StringLikeRegexp(jsii.String("nothing is published")))
	if len(*warnings) != 1 {
		t.Errorf("got %d warnings, want 1", len(*warnings))
	}
	if text := strings.Join(roleOf(t, synth(t, stack)), "\n"); strings.Contains(text, "PublishFunction") {
		t.Errorf("the role may invoke what it never does:\n%s", text)
	}
}

func TestADefinitionFileMayServeTwoIngestions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "workflow.asl.json")
	if err := os.WriteFile(file, []byte("\ufeff"+oneState), 0o600); err != nil {
		t.Fatal(err)
	}
	stack := newStack(t)
	workflow := ingestion.FromDefinitionFile(jsii.String(file), nil)
	for _, id := range []string{"One", "Two"} {
		ingestion.NewReplayableIngestion(stack, jsii.String(id), &ingestion.ReplayableIngestionProps{
			Workflow: workflow, ResourceIdPath: jsii.String("$.id"),
		})
	}
	tpl := synth(t, stack)
	for _, id := range []string{"One", "Two"} {
		asl := decode[machine](t, definition(t, tpl.one(t, machineType, id+"StateMachine")))
		if got := asl.edges(); got != "Publish (end); Record Work; Work Publish" || asl.States["Record"].Resource != "${"+id+"RecordFunction.Arn}" {
			t.Errorf("%s: got %s", id, got)
		}
	}
}

// placed is the definition in the template, or "" if it is an asset.
func placed(t *testing.T, stack awscdk.Stack) string {
	t.Helper()
	props := synth(t, stack).one(t, machineType, "IngestionStateMachine")
	if props["DefinitionString"] == nil {
		return ""
	}
	return render(props["DefinitionString"])
}

func TestADefinitionBecomesAnAssetByWhatItTakesInTheTemplate(t *testing.T) {
	long := awscdk.Lazy_String(&longText{}, nil)
	quotes := `{"StartAt":"Work","States":{"Work":{"Type":"Pass","Comment":"` + strings.Repeat(`\"`, 60_000) + `","End":true}}}`
	for _, tt := range []struct {
		name, text string
		inline     bool
	}{
		{"a small one", oneState, true},
		{"one with a token that stands for much", strings.Replace(oneState, `"Type"`, `"Comment":"`+*long+`","Type"`, 1), false},
		{"one of quotes, which take four bytes each", quotes, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: fromDefinition(tt.text, nil)(stack), ResourceIdPath: jsii.String("$.id")})
			if text := placed(t, stack); (text != "") != tt.inline {
				t.Errorf("got %d bytes in the template, want it there: %v", len(text), tt.inline)
			}
		})
	}
}

// longText is known when the app synthesizes, and not before.
type longText struct{}

func (*longText) Produce() *string { return jsii.String(strings.Repeat("x", 250_000)) }

func TestADefinitionInYAML(t *testing.T) {
	file := filepath.Join(t.TempDir(), "workflow.asl.yaml")
	if err := os.WriteFile(file, []byte("StartAt: Work\nStates:\n  Work: {Type: Wait, Seconds: 5, End: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stack := newStack(t)
	newIngestion(stack, &ingestion.ReplayableIngestionProps{
		Workflow: ingestion.FromDefinitionFile(jsii.String(file), nil), ResourceIdPath: jsii.String("$.id"),
	})
	if text := placed(t, stack); !strings.Contains(text, `"Work":{"Type":"Wait","Seconds":5,"Next":"Publish"}`) {
		t.Errorf("got %s", text)
	}
}

func TestANumberMayBeAToken(t *testing.T) {
	for _, in := range []struct{ text, n string }{
		{`{"StartAt":"Work","States":{"Work":{"Type":"Wait","Seconds": %v,"End":true}}}`, ""},
		{`{"StartAt":"Work","States":{"Work":{"Type":"Wait","Seconds": ${n},"End":true}}}`, "%v"},
		{"StartAt: Work\nStates:\n  Work: {Type: Wait, Seconds: %v, End: true}\n", ""},
	} {
		stack := newStack(t)
		seconds := *awscdk.NewCfnParameter(stack, jsii.String("Wait"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
		fill := func(text string) *string {
			return jsii.String(strings.ReplaceAll(text, "%v", fmt.Sprint(seconds)))
		}
		newIngestion(stack, &ingestion.ReplayableIngestionProps{
			Workflow: ingestion.FromDefinition(fill(in.text), &ingestion.DefinitionOptions{
				Substitutions: &map[string]*string{"n": fill(in.n)},
			}),
			ResourceIdPath: jsii.String("$.id"),
		})
		if got := placed(t, stack); !strings.Contains(got, `"Seconds":${Wait},`) {
			t.Errorf("%s: got %s", in.text, got)
		}
	}
}

func TestASubstitutionWithoutQuotesMayBeAToken(t *testing.T) {
	for _, text := range []string{
		`{"StartAt":"Work","States":{"Work":{"Type":"Wait","Seconds": ${n},"End":true}}}`,
		"StartAt: Work\nStates:\n  Work: {Type: Wait, Seconds: ${n}, End: true}\n",
	} {
		stack := newStack(t)
		seconds := awscdk.NewCfnParameter(stack, jsii.String("Wait"), &awscdk.CfnParameterProps{Type: jsii.String("Number")})
		newIngestion(stack, &ingestion.ReplayableIngestionProps{
			Workflow: ingestion.FromDefinition(&text, &ingestion.DefinitionOptions{
				Substitutions: &map[string]*string{"n": seconds.ValueAsString(), "spare": jsii.String("x")},
			}),
			ResourceIdPath: jsii.String("$.id"),
		})
		if got := placed(t, stack); !strings.Contains(got, `"Seconds":${Wait},`) {
			t.Errorf("%s: got %s", text, got)
		}
		warnings := assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Ingestion"),
			assertions.Match_StringLikeRegexp(jsii.String("has no placeholder for spare: use them as")))
		if len(*warnings) != 1 {
			t.Errorf("%s: got %d warnings of the unused substitution, want 1", text, len(*warnings))
		}
	}
}
