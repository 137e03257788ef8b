package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Services are the requests that AWS services make for the resources of the template, with its roles or as service
// principals.
func (a *Account) Services() (all []Request, err error) {
	keys, err := a.keys()
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(a.resources)) {
		r := a.resources[id]
		about := map[string]func(string, map[string]any, map[string]string) ([]Request, error){
			"AWS::Lambda::Function":            a.ofFunction,
			"AWS::Lambda::EventSourceMapping":  a.ofMapping,
			"AWS::Events::Rule":                a.ofRule,
			"AWS::Scheduler::Schedule":         a.ofSchedule,
			"AWS::StepFunctions::StateMachine": a.ofMachine,
			"AWS::Logs::LogGroup":              a.ofLogGroup,
			"AWS::SNS::Subscription":           a.ofSubscription,
			"AWS::ApiGateway::Method":          a.ofMethod,
			"AWS::ApiGateway::Account":         a.ofAPIAccount,
			"AWS::ApiGateway::Authorizer":      a.ofAuthorizer,
		}[r.Type]
		if about == nil {
			continue
		}
		properties, err := a.resources.resolve(maps.Collect(func(yield func(string, any) bool) {
			for name, value := range r.Properties {
				if !skipped[name] && !yield(name, value) {
					return
				}
			}
		}))
		if err != nil {
			return nil, fmt.Errorf("%s, a %s: %w", id, r.Type, err)
		}
		requests, err := about(id, properties.(map[string]any), keys)
		if err != nil {
			return nil, fmt.Errorf("%s, a %s: %w", id, r.Type, err)
		}
		all = append(all, requests...)
	}
	return all, nil
}

// skipped are properties that cause no request.
var skipped = map[string]bool{"Code": true, "Environment": true, "Tags": true, "VpcConfig": true, "AuthorizerId": true,
	"ProviderARNs": true}

// by creates requests of one principal for the same reason.
func by(p Principal, resource string, context map[string]string, why string, actions ...string) (all []Request) {
	for _, action := range actions {
		all = append(all, Request{p, action, resource, secure(context), why})
	}
	return all
}

func service(name string) Principal { return Principal{"Service", name + ".amazonaws.com"} }
func role(arn any) Principal        { return Principal{"AWS", fmt.Sprint(arn)} }

// ofFunction: what Lambda does with a function's role before and after the function's own code runs.
func (a *Account) ofFunction(id string, p map[string]any, _ map[string]string) (all []Request, err error) {
	const guide = "AWS Lambda Developer Guide, "
	self, err := a.resources.attribute(id, "Arn")
	if err != nil {
		return nil, err
	}
	me := role(p["Role"])
	all = by(service("lambda"), me.Name, nil,
		guide+`"Defining Lambda function permissions with an execution role"`, "sts:AssumeRole")
	if logs, ok := p["LoggingConfig"].(map[string]any); ok {
		all = append(all, by(me, arn("logs", fmt.Sprintf("log-group:%v:log-stream:%s", logs["LogGroup"], anyName)), nil,
			guide+`"Sending Lambda function logs to CloudWatch Logs"`, "logs:CreateLogStream", "logs:PutLogEvents")...)
	}
	if tracing, ok := p["TracingConfig"].(map[string]any); ok && tracing["Mode"] == "Active" {
		all = append(all, by(me, "*", nil,
			guide+`"Visualize Lambda function invocations using AWS X-Ray", Execution role permissions`,
			"xray:PutTraceSegments", "xray:PutTelemetryRecords")...)
	}
	if a.resources[id].Properties["VpcConfig"] != nil {
		all = append(all, by(me, "*", nil,
			guide+`"Giving Lambda functions access to resources in an Amazon VPC", Required IAM permissions`,
			"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
			"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")...)
	}
	if key, ok := p["KmsKeyArn"].(string); ok {
		all = append(all, by(me, key, map[string]string{
			"kms:ViaService": "lambda." + region + "." + urlSuffix, "kms:EncryptionContext:aws:lambda:FunctionArn": self,
		}, guide+`"Securing Lambda environment variables"`, "kms:Decrypt")...)
	}
	return all, nil
}

// ofMapping: Lambda polls a queue with the function's role.
func (a *Account) ofMapping(_ string, p map[string]any, keys map[string]string) (all []Request, err error) {
	source := fmt.Sprint(p["EventSourceArn"])
	if !strings.HasPrefix(source, arn("sqs", "")) {
		return nil, fmt.Errorf("unknown source %s: write it in dev/iam", source)
	}
	functions, err := a.functions()
	if err != nil {
		return nil, err
	}
	for _, f := range functions {
		if f.arn != functionARN(fmt.Sprint(p["FunctionName"])) {
			continue
		}
		polls := by(role(f.role), source, nil,
			`AWS Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping", `+
				`Configuring execution role permissions`, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
		all = append(append(all, polls...), keyed(f, polls[0], keys)...)
	}
	return all, nil
}

// send is a message of a service to a queue. The service uses the queue's key as a service principal.
func send(from Principal, queue, source string, keys map[string]string, guide string) []Request {
	context := map[string]string{"aws:SourceArn": source, "aws:SourceAccount": accountID}
	all := by(from, queue, context, guide, "sqs:SendMessage")
	if key := keys[queue]; key != "" { // without a source: docs/security.md says why
		all = append(all, by(from, key, map[string]string{"kms:EncryptionContext:aws:sqs:arn": queue},
			`Amazon SQS Developer Guide, "Key management", Configure KMS permissions for AWS services`,
			"kms:GenerateDataKey", "kms:Decrypt")...)
	}
	return all
}

func (a *Account) ofRule(id string, p map[string]any, keys map[string]string) (all []Request, err error) {
	self, err := a.resources.attribute(id, "Arn")
	if err != nil {
		return nil, err
	}
	for _, t := range list(p["Targets"]) {
		target := t.(map[string]any)
		to := fmt.Sprint(target["Arn"])
		if !strings.HasPrefix(to, arn("sqs", "")) || target["RoleArn"] != nil || target["DeadLetterConfig"] != nil {
			return nil, fmt.Errorf("unknown target %v: write it in dev/iam", target)
		}
		all = append(all, send(service("events"), to, self, keys,
			`Amazon EventBridge User Guide, "Using resource-based policies for Amazon EventBridge", Amazon SQS permissions`)...)
	}
	return all, nil
}

func (a *Account) ofSchedule(_ string, p map[string]any, _ map[string]string) ([]Request, error) {
	target := p["Target"].(map[string]any)
	to := fmt.Sprint(target["Arn"])
	if !strings.HasPrefix(to, arn("lambda", "function:")) ||
		target["DeadLetterConfig"] != nil || p["GroupName"] != nil || p["KmsKeyArn"] != nil {
		return nil, fmt.Errorf("unknown schedule %v: write it in dev/iam", p)
	}
	const guide = "Amazon EventBridge Scheduler User Guide, "
	me := role(target["RoleArn"])
	return slices.Concat(
		by(service("scheduler"), me.Name, map[string]string{
			"aws:SourceAccount": accountID, "aws:SourceArn": arn("scheduler", "schedule-group/default"),
		}, guide+`"Confused deputy prevention"`, "sts:AssumeRole"),
		by(me, to, nil, guide+`"Setting up the execution role"`, "lambda:InvokeFunction"),
	), nil
}

// ofLogGroup: CloudWatch Logs uses a log group's key as a service principal.
func (a *Account) ofLogGroup(id string, p map[string]any, _ map[string]string) ([]Request, error) {
	key, ok := p["KmsKeyId"].(string)
	if !ok {
		return nil, nil
	}
	self, err := a.resources.attribute(id, "Arn")
	if err != nil {
		return nil, err
	}
	logs := Principal{"Service", "logs." + region + "." + urlSuffix}
	return by(logs, key, map[string]string{"kms:EncryptionContext:aws:logs:arn": strings.TrimSuffix(self, ":*")},
		`Amazon CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS", Step 2`,
		"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey",
		"kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"), nil
}

func (a *Account) ofSubscription(_ string, p map[string]any, keys map[string]string) ([]Request, error) {
	if p["Protocol"] != "sqs" {
		return nil, fmt.Errorf("unknown protocol %v: write it in dev/iam", p["Protocol"])
	}
	return send(service("sns"), fmt.Sprint(p["Endpoint"]), fmt.Sprint(p["TopicArn"]), keys,
		`Amazon SNS Developer Guide, "Subscribing an Amazon SQS queue to an Amazon SNS topic", Step 2`), nil
}

// ofMethod: API Gateway calls the function behind a method.
func (a *Account) ofMethod(_ string, p map[string]any, _ map[string]string) ([]Request, error) {
	integration, _ := p["Integration"].(map[string]any)
	if integration["Type"] != "AWS_PROXY" {
		return nil, fmt.Errorf("unknown integration %v: write it in dev/iam", integration)
	}
	to := invoked(integration["Uri"])
	path, err := a.path(fmt.Sprint(p["ResourceId"]))
	if err != nil {
		return nil, err
	}
	stage := ""
	for id := range a.ofType("AWS::ApiGateway::Stage") {
		if stage, err = a.resources.name(id); err != nil {
			return nil, err
		}
	}
	source := fmt.Sprintf("%s/%s/%s%s", p["RestApiId"], stage, p["HttpMethod"], path)
	return by(service("apigateway"), to, map[string]string{"aws:SourceArn": arn("execute-api", source)},
		`Amazon API Gateway Developer Guide, "Lambda integrations for REST APIs in API Gateway"`,
		"lambda:InvokeFunction"), nil
}

// invoked is the function in arn:aws:apigateway:<Region>:lambda:path/2015-03-31/functions/<ARN>/invocations.
func invoked(uri any) string {
	_, function, _ := strings.Cut(fmt.Sprint(uri), "/functions/")
	return strings.TrimSuffix(function, "/invocations")
}

// path is the path of an API resource, from its root. Path parameters match any string. In the policy, a * stands for
// them.
func (a *Account) path(id string) (string, error) {
	r, ok := a.resources[id]
	if !ok || r.Type != "AWS::ApiGateway::Resource" {
		return "", nil // the root
	}
	parent, err := a.resources.text(r.Properties["ParentId"])
	if err != nil {
		return "", err
	}
	above, err := a.path(parent)
	part := fmt.Sprint(r.Properties["PathPart"])
	if strings.HasPrefix(part, "{") {
		part = anyName
	}
	return above + "/" + part, err
}

// ofAPIAccount: API Gateway writes access logs with one role for the whole account.
func (a *Account) ofAPIAccount(_ string, p map[string]any, _ map[string]string) ([]Request, error) {
	const guide = `Amazon API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs", CloudWatch permissions`
	me := role(p["CloudWatchRoleArn"])
	return slices.Concat(
		by(service("apigateway"), me.Name, nil, guide, "sts:AssumeRole"),
		by(me, "*", nil, guide, "logs:PutLogEvents"),
	), nil
}

// ofAuthorizer: API Gateway asks the function of a Lambda authorizer.
func (a *Account) ofAuthorizer(id string, p map[string]any, _ map[string]string) ([]Request, error) {
	if p["Type"] == "COGNITO_USER_POOLS" {
		return nil, nil
	}
	source := fmt.Sprintf("%s/authorizers/%s", p["RestApiId"], id)
	return by(service("apigateway"), invoked(p["AuthorizerUri"]),
		map[string]string{"aws:SourceArn": arn("execute-api", source)},
		`Amazon API Gateway Developer Guide, "Use API Gateway Lambda authorizers"`, "lambda:InvokeFunction"), nil
}
