package synth_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// metricMethods are the construct's methods that return metrics.
func metricMethods(r *ingestion.ReplayableIngestion) map[string]func(*awscloudwatch.MetricOptions) awscloudwatch.Metric {
	methods := map[string]func(*awscloudwatch.MetricOptions) awscloudwatch.Metric{}
	v := reflect.ValueOf(r)
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		if method, ok := v.Method(i).Interface().(func(*awscloudwatch.MetricOptions) awscloudwatch.Metric); ok && strings.HasPrefix(name, "Metric") {
			methods[strings.TrimPrefix(name, "Metric")] = method
		}
	}
	return methods
}

// servicesMetrics are those that services write themselves.
var servicesMetrics = map[string][2]string{
	"Started":        {"AWS/States", "ExecutionsStarted"},
	"Succeeded":      {"AWS/States", "ExecutionsSucceeded"},
	"Failed":         {"AWS/States", "ExecutionsFailed"},
	"TimedOut":       {"AWS/States", "ExecutionsTimedOut"},
	"Throttled":      {"AWS/States", "ExecutionThrottled"},
	"DeadLetterAge":  {"AWS/SQS", "ApproximateAgeOfOldestMessage"},
	"OutcomesAge":    {"AWS/SQS", "ApproximateAgeOfOldestMessage"},
	"ReplayAge":      {"AWS/SQS", "ApproximateAgeOfOldestMessage"},
	"ReplaysWaiting": {"AWS/SQS", "ApproximateNumberOfMessagesVisible"},
}

// renamed are metrics whose method has a shorter name.
var renamed = map[string]string{"UnaccountedVersions": "Unaccounted"}

func TestEveryMetricOfTheFunctionsHasAMethodAndTheOtherWayRound(t *testing.T) {
	stack := newStack(t)
	r := newIngestion(stack, valid(stack))
	methods := metricMethods(r)
	function := synth(t, stack).one(t, "AWS::Lambda::Function", "IngestionTrackerFunction")
	env := function["Environment"].(map[string]any)["Variables"].(map[string]any)
	for _, m := range schema.Metrics() {
		name := m.Name
		if short, ok := renamed[name]; ok {
			name = short
		}
		method, ok := methods[name]
		if !ok {
			t.Errorf("the metric %s has no method", m.Name)
			continue
		}
		got := method(nil)
		if *got.Namespace() != schema.MetricNamespace || *got.MetricName() != m.Name || *got.Statistic() != m.Statistic {
			t.Errorf("%s: got %s %s %s", name, *got.Namespace(), *got.MetricName(), *got.Statistic())
		}
		if dimensions := *got.Dimensions(); len(dimensions) != 1 || dimensions[schema.MetricDimension] != env["INGESTION"] {
			t.Errorf("%s: got dimensions %v, the functions write %s %v", name, dimensions, schema.MetricDimension, env["INGESTION"])
		}
		delete(methods, name)
	}
	for name, method := range methods {
		if got := method(nil); [2]string{*got.Namespace(), *got.MetricName()} != servicesMetrics[name] {
			t.Errorf("Metric%s is %s %s, which neither a function nor a service writes", name, *got.Namespace(), *got.MetricName())
		}
	}
}

func TestMetricsTakeOptions(t *testing.T) {
	stack := newStack(t)
	for name, method := range metricMethods(newIngestion(stack, valid(stack))) {
		got := method(&awscloudwatch.MetricOptions{
			Statistic: jsii.String("SampleCount"), Period: awscdk.Duration_Hours(jsii.Number(2)), Label: jsii.String("mine"),
		})
		if *got.Statistic() != "SampleCount" || *got.Period().ToMinutes(nil) != 120 || *got.Label() != "mine" {
			t.Errorf("Metric%s: got %s, %v minutes, %s", name, *got.Statistic(), *got.Period().ToMinutes(nil), *got.Label())
		}
	}
}

// Two ingestions of a stack, and those of two stacks, must not add to each other's metrics.
func TestIngestionsHaveMetricsOfTheirOwn(t *testing.T) {
	app := newApp(t, nil)
	seen := map[any]string{}
	for _, stackID := range []string{"One", "Two"} {
		stack := awscdk.NewStack(app, jsii.String(stackID), nil)
		for _, id := range []string{"A", "B"} {
			r := ingestion.NewReplayableIngestion(stack, jsii.String(id), &ingestion.ReplayableIngestionProps{
				Workflow: pass(stack, "Work"+id), ResourceIdPath: jsii.String("$.id"),
			})
			value := (*r.MetricRecorded(nil).Dimensions())[schema.MetricDimension]
			if other, taken := seen[value]; taken {
				t.Errorf("%s/%s has the dimension %v of %s", stackID, id, value, other)
			}
			seen[value] = stackID + "/" + id
		}
	}
}
