package emulator_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
)

const (
	pythonThatFails = `
class BadPrice(Exception):
    pass

def handler(event, context):
    if event["how"] == "slow":
        raise TimeoutError("the shop timed out")
    if event["how"] == "end":
        import os
        os._exit(1)
    raise BadPrice("no price")
`
	javaScriptThatFails = `
class BadPrice extends Error {
  constructor(message) { super(message); this.name = "BadPrice"; }
}
exports.handler = async (event) => {
  if (event.how === "slow") throw new TypeError("it timed out");
  if (event.how === "text") throw "only text";
  throw new BadPrice("no price");
};
`
)

// A Catch or a Retry by name needs it: without it every error is a Runtime.HandlerError.
func TestErrorsOfPythonAndJavaScriptKeepTheirNames(t *testing.T) {
	e := start(t)
	functions := lambda.NewFromConfig(e.Config())
	client := sfn.NewFromConfig(e.Config())
	tests := []struct {
		runtime         lambdatypes.Runtime
		file, code, how string
		want            string
	}{
		{lambdatypes.RuntimePython312, "index.py", pythonThatFails, "", "BadPrice"},
		{lambdatypes.RuntimePython312, "index.py", pythonThatFails, "slow", "TimeoutError"},
		{lambdatypes.RuntimePython312, "index.py", pythonThatFails, "end", "Runtime.ExitError"},
		{lambdatypes.RuntimeNodejs22x, "index.js", javaScriptThatFails, "", "BadPrice"},
		{lambdatypes.RuntimeNodejs22x, "index.js", javaScriptThatFails, "slow", "TypeError"},
		{lambdatypes.RuntimeNodejs22x, "index.js", javaScriptThatFails, "text", "string"},
	}
	for _, tt := range tests {
		name := strings.ReplaceAll(string(tt.runtime), ".", "-") + tt.how
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("node"); err != nil && tt.file == "index.js" {
				t.Skip("functions in JavaScript need node")
			}
			function, err := functions.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
				FunctionName: &name, Runtime: tt.runtime, Handler: aws.String("index.handler"), Timeout: aws.Int32(20),
				Role: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"), Code: &lambdatypes.FunctionCode{ZipFile: zipped(t, tt.file, tt.code)},
			})
			if err != nil {
				t.Fatal(err)
			}
			machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
				Name: &name, RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
				Definition: aws.String(`{"StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"` + *function.FunctionArn + `","End":true,
					"Catch":[{"ErrorEquals":["` + tt.want + `"],"ResultPath":"$.failure","Next":"Caught"}]},"Caught":{"Type":"Pass","End":true}}}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			got := execute(t, client, *machine.StateMachineArn, `{"how":"`+tt.how+`"}`)
			if got.Status != sfntypes.ExecutionStatusSucceeded {
				t.Fatalf("got %s with %q (%s), want %s caught", got.Status, aws.ToString(got.Error), aws.ToString(got.Cause), tt.want)
			}
			var output map[string]any
			if err := json.Unmarshal([]byte(*got.Output), &output); err != nil || len(output) != 2 {
				t.Errorf("got output %s, %v, want the event with the failure only", *got.Output, err)
			}
		})
	}
}

func zipped(t *testing.T, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	w, err := archive.Create(name)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An app may have any resource: what is not there is not a reason to refuse all of it.
func TestResourcesThatAreNotThereHaveStandIns(t *testing.T) {
	e := start(t)
	types, err := e.ResourceTypes()
	if err != nil || !slices.Contains(types, "AWS::IAM::User") || slices.Contains(types, "AWS::Budgets::Budget") {
		t.Fatalf("got %d types, %v, want users of IAM and no budgets", len(types), err)
	}
	const template = `{"Resources": {
		"Group": {"Type": "AWS::IAM::Group"},
		"Shop": {"Type": "AWS::IAM::User", "Properties": {"Groups": [{"Ref": "Group"}]}},
		"Policy": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "Users": [{"Ref": "Shop"}], "PolicyDocument": {"Statement": []}}},
		"Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "Shop"}}},
		"Budget": {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY"}}},
		"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Id": "a", "Expression": "1"}], "EvaluationPeriods": 1}}},
		"Outputs": {"User": {"Value": {"Ref": "Shop"}}, "Arn": {"Value": {"Fn::GetAtt": ["Shop", "Arn"]}},
			"Secret": {"Value": {"Fn::GetAtt": ["Key", "SecretAccessKey"]}}, "Budget": {"Value": {"Ref": "Budget"}}}}`
	client := cloudformation.NewFromConfig(e.Config())
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("shop"), TemplateBody: aws.String(template),
	}); err != nil {
		t.Fatal(err)
	}
	in := &cloudformation.DescribeStacksInput{StackName: aws.String("shop")}
	out, err := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	}).WaitForOutput(t.Context(), in, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	if outputs["Arn"] != "arn:aws:iam::"+emulator.Account+":user/"+outputs["User"] || outputs["Secret"] == "" || !strings.HasPrefix(outputs["Budget"], "shop-Budget-") {
		t.Errorf("got outputs %v", outputs)
	}
}
