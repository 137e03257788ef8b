package factory

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// consoles are the hosts of the AWS console by partition.
var consoles = map[string]string{
	"aws": "console.aws.amazon.com", "aws-us-gov": "console.amazonaws-us-gov.com", "aws-cn": "console.amazonaws.cn",
}

// ConsoleURL is the page of an execution in the AWS console; empty without a valid ARN, and where AWS is an emulator.
func (f *Factory) ConsoleURL(execution string) string {
	if f.IsLocal() {
		return ""
	}
	a, err := arn.Parse(execution)
	if err != nil || consoles[a.Partition] == "" {
		return ""
	}
	host := consoles[a.Partition]
	if a.Partition == "aws" {
		host = a.Region + "." + host
	}
	return "https://" + host + "/states/home?region=" + url.QueryEscape(a.Region) + "#/v2/executions/details/" + url.PathEscape(execution)
}

// EventLogObject is the URI of an object in the event log, for `aws s3 cp`. Where only the API is known, it is the key.
func (f *Factory) EventLogObject(key string) string {
	if key == "" || f.target == nil || f.target.EventLogBucket == "" {
		return key
	}
	return "s3://" + f.target.EventLogBucket + "/" + key
}

// ExecutionARN is the ARN of an execution of the ingestion's state machine. Where only the API is known, it is the
// name.
func (f *Factory) ExecutionARN(name string) string {
	if f.target == nil || !strings.Contains(f.target.StateMachineARN, ":stateMachine:") {
		return name
	}
	return strings.Replace(f.target.StateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// IsLocal reports whether the ingestion is one of replaydev or `make local`.
func (f *Factory) IsLocal() bool { return f.flags.local != "" }
