package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const statesGuide = "AWS Step Functions Developer Guide, "

// ofMachine: what Step Functions does with the role of a state machine.
func (a *Account) ofMachine(id string, p map[string]any, keys map[string]string) ([]Request, error) {
	if err := onlyKnows(p, "DefinitionString", "DefinitionSubstitutions", "EncryptionConfiguration",
		"LoggingConfiguration", "RoleArn", "StateMachineName", "StateMachineType", "TracingConfiguration"); err != nil {
		return nil, err
	}
	self, err := a.resources.ref(id)
	if err != nil {
		return nil, err
	}
	me := role(p["RoleArn"])
	all := by(service("states"), me.Name, map[string]string{"aws:SourceAccount": accountID, "aws:SourceArn": self},
		statesGuide+`"Creating an IAM role for your state machine", Prevent cross-service confused deputy issue`, "sts:AssumeRole")
	logging := p["LoggingConfiguration"] != nil
	if logging {
		all = append(all, by(me, "*", nil,
			statesGuide+`"Using CloudWatch Logs to log execution history", IAM Policies for logging`,
			"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
			"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups")...)
	}
	if tracing, ok := p["TracingConfiguration"].(map[string]any); ok && tracing["Enabled"] == true {
		all = append(all, by(me, "*", nil, statesGuide+`"Trace Step Functions request data in AWS X-Ray", IAM policies`,
			"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets")...)
	}
	if key := keys[self]; key != "" {
		all = append(all, encrypted(me, self, key, logging)...)
	}
	var definition map[string]any
	if err := json.Unmarshal([]byte(substitute(p)), &definition); err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	if err := walk(definition, func(state map[string]any) error {
		requests, err := ofState(me, self, state, keys)
		all = append(all, requests...)
		return err
	}); err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	return all, nil
}

// encrypted are the uses of the state machine's own key.
func encrypted(me Principal, self, key string, logging bool) []Request {
	const guide = statesGuide + `"Data at rest encryption in Step Functions"`
	all := ofKey(me, self, key)
	if logging {
		all = append(all, by(me, key, map[string]string{"kms:EncryptionContext:SourceArn": arn("logs", "*")},
			guide+", CloudWatch Logs", "kms:GenerateDataKey")...)
		all = append(all, by(service("delivery.logs"), key, nil, guide+", CloudWatch Logs", "kms:Decrypt")...)
	}
	return all
}

// substitute applies the substitutions to the definition.
func substitute(p map[string]any) string {
	definition := fmt.Sprint(p["DefinitionString"])
	if values, ok := p["DefinitionSubstitutions"].(map[string]any); ok {
		for name, value := range values {
			definition = strings.ReplaceAll(definition, "${"+name+"}", fmt.Sprint(value))
		}
	}
	return definition
}

// walk visits all states of a definition, including those within Map and Parallel.
func walk(machine map[string]any, visit func(state map[string]any) error) error {
	states, _ := machine["States"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(states)) {
		state := states[name].(map[string]any)
		if err := visit(state); err != nil {
			return fmt.Errorf("state %s: %w", name, err)
		}
		inner := list(state["Branches"])
		for _, field := range []string{"ItemProcessor", "Iterator"} {
			inner = append(inner, list(state[field])...)
		}
		for _, m := range inner {
			if err := walk(m.(map[string]any), visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// ofState: a task calls a service, and a Distributed Map starts executions of its own machine.
func ofState(me Principal, self string, state map[string]any, keys map[string]string) ([]Request, error) {
	if processor, ok := state["ItemProcessor"].(map[string]any); ok {
		config, _ := processor["ProcessorConfig"].(map[string]any)
		if config["Mode"] != "DISTRIBUTED" {
			return nil, nil
		}
		if state["ItemReader"] != nil || state["ResultWriter"] != nil {
			return nil, fmt.Errorf("unknown reader or writer: write it in dev/iam")
		}
		const guide = statesGuide + `"IAM policies for using Distributed Map states"`
		return slices.Concat(
			by(me, self, nil, guide, "states:StartExecution"),
			by(me, executions(self)+":"+anyName, nil, guide, "states:DescribeExecution", "states:StopExecution"),
			by(me, fmt.Sprintf("%s/%v:%s", executions(self), state["Label"], anyName), nil, guide, "states:RedriveExecution"),
		), nil
	}
	if state["Type"] != "Task" {
		return nil, nil
	}
	arguments, _ := state["Parameters"].(map[string]any)
	if jsonata, ok := state["Arguments"].(map[string]any); ok {
		arguments = jsonata
	}
	argument := func(name string) string { return fmt.Sprint(arguments[name]) }
	const guide = statesGuide + `"How Step Functions generates IAM policies for integrated services"`
	task := fmt.Sprint(state["Resource"])
	integration, isIntegration := strings.CutPrefix(task, "arn:"+partition+":states:::")
	switch {
	case !isIntegration && strings.HasPrefix(task, arn("lambda", "function:")):
		return by(me, task, nil, guide, "lambda:InvokeFunction"), nil
	case integration == "lambda:invoke":
		return by(me, functionARN(argument("FunctionName")), nil, guide, "lambda:InvokeFunction"), nil
	case integration == "sqs:sendMessage":
		queue := queueARN(argument("QueueUrl"))
		sent := by(me, queue, nil, guide, "sqs:SendMessage")
		if keys[queue] != "" {
			return nil, fmt.Errorf("unknown use of a queue with a key: write it in dev/iam")
		}
		return sent, nil
	case integration == "aws-sdk:sfn:startSyncExecution":
		return by(me, argument("StateMachineArn"), nil, guide, "states:StartSyncExecution"), nil
	case integration == "states:startExecution.sync", integration == "states:startExecution.sync:2":
		child := argument("StateMachineArn")
		return slices.Concat(
			by(me, child, nil, guide, "states:StartExecution"),
			by(me, executions(child)+":"+anyName, nil, guide, "states:DescribeExecution", "states:StopExecution"),
			by(me, arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"), nil, guide,
				"events:PutTargets", "events:PutRule", "events:DescribeRule"),
			ofKey(me, child, keys[child]),
		), nil
	}
	return nil, fmt.Errorf("unknown task %s: write it in dev/iam", task)
}

// ofKey returns the requests to run, start and describe executions of a state machine that has a key.
func ofKey(me Principal, machine, key string) []Request {
	if key == "" {
		return nil
	}
	return by(me, key, map[string]string{"kms:EncryptionContext:aws:states:stateMachineArn": machine},
		statesGuide+`"Data at rest encryption in Step Functions"`, "kms:Decrypt", "kms:GenerateDataKey")
}
