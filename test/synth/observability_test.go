package synth_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
)

// A trace follows an event from Step Functions, or a request from API Gateway, through every function.
func TestEverythingIsTraced(t *testing.T) {
	tpl := minimal(t)
	for kind, switched := range map[string]map[string]string{
		"AWS::Lambda::Function":            {"TracingConfig.Mode": "Active"},
		"AWS::StepFunctions::StateMachine": {"TracingConfiguration.Enabled": "true"},
		"AWS::ApiGateway::Stage":           {"TracingEnabled": "true"},
	} {
		resources := tpl.ofType(kind)
		if len(resources) == 0 {
			t.Errorf("no %s", kind)
		}
		for id, r := range resources {
			t.Log(id)
			want(t, r.Properties, switched)
		}
	}
}

// The level is the functions' own business: Lambda's filter would take lines of metrics for INFO and drop them.
func TestEveryFunctionKnowsItsLogLevelAndItsIngestion(t *testing.T) {
	for level, text := range map[awslambda.ApplicationLogLevel]string{
		"": "INFO", awslambda.ApplicationLogLevel_WARN: "WARN", awslambda.ApplicationLogLevel_ERROR: "ERROR",
	} {
		stack := newStack(t)
		props := valid(stack)
		props.LogLevel = level
		newIngestion(stack, props)
		functions := synth(t, stack).ofType("AWS::Lambda::Function")
		if len(functions) != 7 {
			t.Errorf("got %d functions, want 7", len(functions))
		}
		for _, f := range functions {
			want(t, f.Properties, map[string]string{
				"Environment.Variables.LOG_LEVEL": text, "Environment.Variables.INGESTION": "TestIngestion06E85042",
				"LoggingConfig.LogFormat": "JSON", "LoggingConfig.ApplicationLogLevel": "<nil>",
			})
		}
	}
}
