package iam

import (
	"fmt"
	"strings"
)

// The account and Region to which the pseudo parameters of a template are resolved.
const (
	partition = "aws"
	region    = "us-east-1"
	accountID = "000000000000"
	urlSuffix = "amazonaws.com"
	stackName = "stack"
)

var pseudo = map[string]string{
	"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": accountID, "AWS::URLSuffix": urlSuffix,
	"AWS::StackName": stackName,
	"AWS::StackId":   arn("cloudformation", "stack/"+stackName+"/1c2fa620-982a-11e3-aff7-50e2416294e0"),
}

func arn(service, resource string) string {
	return "arn:" + partition + ":" + service + ":" + region + ":" + accountID + ":" + resource
}

// kind is a type of resource: the property that names it, and the form of its ARN. Without that property, its logical
// id is its name.
type kind struct {
	name  string // property
	arn   func(name string) string
	byARN bool // Ref gives the ARN
}

var kinds = map[string]kind{
	"AWS::S3::Bucket":                  {name: "BucketName", arn: after("arn:" + partition + ":s3:::")},
	"AWS::DynamoDB::Table":             {name: "TableName", arn: after(arn("dynamodb", "table/"))},
	"AWS::SQS::Queue":                  {name: "QueueName", arn: after(arn("sqs", ""))},
	"AWS::SNS::Topic":                  {name: "TopicName", arn: after(arn("sns", "")), byARN: true},
	"AWS::StepFunctions::StateMachine": {name: "StateMachineName", arn: after(arn("states", "stateMachine:")), byARN: true},
	"AWS::Lambda::Function":            {name: "FunctionName", arn: after(arn("lambda", "function:"))},
	"AWS::IAM::Role":                   {name: "RoleName", arn: after("arn:" + partition + ":iam::" + accountID + ":role/")},
	"AWS::KMS::Key":                    {arn: after(arn("kms", "key/"))},
	"AWS::Logs::LogGroup": {name: "LogGroupName", arn: func(name string) string {
		return arn("logs", "log-group:"+name+":*")
	}},
	"AWS::Events::Rule":        {name: "Name", arn: after(arn("events", "rule/"))},
	"AWS::Scheduler::Schedule": {name: "Name", arn: after(arn("scheduler", "schedule/default/"))},
	"AWS::CloudWatch::Alarm":   {name: "AlarmName", arn: after(arn("cloudwatch", "alarm:"))},
	"AWS::SSM::Parameter":      {name: "Name", arn: after(arn("ssm", "parameter/"))},
	"AWS::ApiGateway::RestApi": {arn: after(arn("apigateway", "/restapis/"))},
	"AWS::ApiGateway::Stage":   {name: "StageName"},
}

// after returns the form of ARNs that end with the name.
func after(prefix string) func(name string) string {
	return func(name string) string { return prefix + name }
}

func queueURL(name string) string {
	return "https://sqs." + region + "." + urlSuffix + "/" + accountID + "/" + name
}

// resource is a resource of a template.
type resource struct {
	Type       string
	Properties map[string]any
}

// resolver replaces intrinsic functions with their results.
type resolver map[string]resource

func (all resolver) name(id string) (string, error) {
	r, ok := all[id]
	if !ok {
		return "", fmt.Errorf("no resource %s", id)
	}
	k, ok := kinds[r.Type]
	if !ok {
		return id, nil
	}
	if given := r.Properties[k.name]; given != nil {
		return all.text(given)
	}
	return id, nil
}

func (all resolver) ref(id string) (string, error) {
	if value, ok := pseudo[id]; ok {
		return value, nil
	}
	name, err := all.name(id)
	switch r := all[id]; {
	case err != nil:
		return "", err
	case kinds[r.Type].byARN:
		return kinds[r.Type].arn(name), nil
	case r.Type == "AWS::SQS::Queue":
		return queueURL(name), nil
	}
	return name, nil
}

func (all resolver) attribute(id, attribute string) (string, error) {
	name, err := all.name(id)
	if err != nil {
		return "", err
	}
	k := kinds[all[id].Type]
	switch attribute {
	case "Arn", "TopicArn":
		if k.arn != nil {
			return k.arn(name), nil
		}
	case "Name", "QueueName", "TopicName":
		return name, nil
	case "RootResourceId":
		return name + "/root", nil
	case "QueueUrl":
		return queueURL(name), nil
	}
	return "", fmt.Errorf("unknown attribute %s of %s, a %s: write it in dev/iam", attribute, id, all[id].Type)
}

// text resolves a value that must be a string.
func (all resolver) text(v any) (string, error) {
	v, err := all.resolve(v)
	if err != nil {
		return "", err
	}
	text, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("got %v, want a string", v)
	}
	return text, nil
}

// resolve replaces the intrinsic functions in a value.
func (all resolver) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, one := range v {
			one, err := all.resolve(one)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
		return out, nil
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return all.call(name, argument)
				}
			}
		}
		out := map[string]any{}
		for key, one := range v {
			one, err := all.resolve(one)
			if err != nil {
				return nil, err
			}
			out[key] = one
		}
		return out, nil
	}
	return v, nil
}

// call resolves one intrinsic function.
func (all resolver) call(name string, argument any) (any, error) {
	if id, ok := argument.(string); ok && name == "Ref" {
		return all.ref(id)
	}
	args, _ := argument.([]any) // the supported functions take a list
	switch {
	case name == "Fn::GetAtt" && len(args) == 2:
		return all.attribute(fmt.Sprint(args[0]), fmt.Sprint(args[1]))
	case name == "Fn::Join" && len(args) == 2:
		parts, err := all.resolve(args[1])
		if err != nil {
			return nil, err
		}
		texts := make([]string, 0, len(list(parts)))
		for _, part := range list(parts) {
			texts = append(texts, fmt.Sprint(part))
		}
		return strings.Join(texts, fmt.Sprint(args[0])), nil
	case name == "Fn::Split" && len(args) == 2:
		text, err := all.text(args[1])
		if err != nil {
			return nil, err
		}
		var parts []any
		for part := range strings.SplitSeq(text, fmt.Sprint(args[0])) {
			parts = append(parts, part)
		}
		return parts, nil
	case name == "Fn::Select" && len(args) == 2:
		parts, err := all.resolve(args[1])
		if err != nil {
			return nil, err
		}
		var i int
		if _, err := fmt.Sscan(fmt.Sprint(args[0]), &i); err != nil || i < 0 || i >= len(list(parts)) {
			return nil, fmt.Errorf("part %v of %v: there is none", args[0], parts)
		}
		return list(parts)[i], nil
	}
	return nil, fmt.Errorf("unknown intrinsic function %s: write it in dev/iam", name)
}
