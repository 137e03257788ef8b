package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	sfn "github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/test/workflows"
)

func definition(c workflows.Case) string {
	b, err := workflows.Files.ReadFile("testdata/" + c.File + ".asl.json")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// large is the definition of Parallel with a comment that takes it out of the template.
func large() string {
	return strings.Replace(definition(workflows.Case{File: "parallel"}), "{", `{"Comment": "`+strings.Repeat("long ", 45_000)+`",`, 1)
}

var placeholders = regexp.MustCompile(`\$\{(\w+)\}`)

// options are a definition's substitutions and what its tasks may do.
func options(stack awscdk.Stack, text string) *ingestion.DefinitionOptions {
	values := map[string]*string{}
	for _, match := range placeholders.FindAllStringSubmatch(text, -1) {
		values[match[1]] = value(stack, match[1])
	}
	policies := []awsiam.PolicyStatement{}
	for _, name := range []string{"worker", "queue", "table", "bucket"} {
		if values[name] != nil {
			policies = append(policies, permission(stack, name))
		}
	}
	return &ingestion.DefinitionOptions{Substitutions: &values, Policies: &policies}
}

func value(stack awscdk.Stack, name string) *string {
	switch name {
	case "worker":
		return workerARN(stack)
	case "queue":
		return jsii.String("https://sqs." + *stack.Region() + "." + *stack.UrlSuffix() + "/" + *stack.Account() + "/" + workflows.QueueName)
	case "table":
		return jsii.String(workflows.TableName)
	case "bucket":
		return jsii.String(workflows.BucketName)
	case "greeting":
		return jsii.String(`say "hi" to ${name}`)
	}
	panic("no value for ${" + name + "}")
}

func workerARN(stack awscdk.Stack) *string {
	return stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("lambda"), Resource: jsii.String("function"), ResourceName: jsii.String(workflows.WorkerName),
		ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

func permission(stack awscdk.Stack, name string) awsiam.PolicyStatement {
	arn := func(service, resource string) *string {
		return stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String(service), Resource: jsii.String(resource), ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME})
	}
	actions, resource := []string{"lambda:InvokeFunction"}, workerARN(stack)
	switch name {
	case "queue":
		actions, resource = []string{"sqs:SendMessage"}, arn("sqs", workflows.QueueName)
	case "table":
		actions, resource = []string{"dynamodb:GetItem", "dynamodb:PutItem"}, arn("dynamodb", "table/"+workflows.TableName)
	case "bucket":
		actions, resource = []string{"s3:GetObject"}, jsii.String("arn:"+*stack.Partition()+":s3:::"+workflows.BucketName+"/*")
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings(actions...), Resources: &[]*string{resource}})
}

const barePublish = "BarePublish"

// newBare makes a plain state machine of a case's definition, with a publish step of its own at each open end. It knows
// the ends from the case, and nothing of the construct's splicing.
func newBare(stack awscdk.Stack, c workflows.Case, topic awssns.ITopic) sfn.StateMachine {
	text := strings.NewReplacer(c.Bare...).Replace(definition(c))
	given := options(stack, text)
	for name, value := range *given.Substitutions {
		quoted, err := json.Marshal(*value)
		if err != nil {
			panic(err)
		}
		text = strings.ReplaceAll(text, "${"+name+"}", string(quoted[1:len(quoted)-1]))
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(fmt.Errorf("%s: %w", c.Name, err))
	}
	states, _ := doc["States"].(map[string]any)
	for name, state := range states {
		if slices.Contains(c.Ends, name) {
			state, _ := state.(map[string]any)
			delete(state, "End")
			state["Next"] = barePublish
		}
	}
	states[barePublish] = map[string]any{
		"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": true,
		"Parameters": map[string]any{"TopicArn": topic.TopicArn(), "Message.$": "States.JsonToString($)"},
	}
	if doc["QueryLanguage"] == "JSONata" {
		states[barePublish] = map[string]any{
			"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": true,
			"Arguments": map[string]any{"TopicArn": topic.TopicArn(), "Message": "{% $string($states.input) %}"},
		}
	}
	rendered, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	// Tokens are in its texts and need no quotes. CloudFormation would look for a parameter of the greeting's name.
	body := strings.ReplaceAll(string(rendered), "${name}", `\u0024{name}`)
	machine := sfn.NewStateMachine(stack, jsii.String(c.Name+"Bare"), &sfn.StateMachineProps{
		DefinitionBody: sfn.DefinitionBody_FromString(jsii.String(body)),
	})
	topic.GrantPublish(machine)
	for _, p := range *given.Policies {
		machine.AddToRolePolicy(p)
	}
	return machine
}
