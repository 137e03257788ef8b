package synth_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// metricNames are the constants that the construct offers.
func metricNames(t *testing.T) map[ingestion.MetricName]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "constructs", "ingestion", "metrics.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[ingestion.MetricName]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "MetricName" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			names[ingestion.MetricName(value)] = true
		}
		return true
	})
	return names
}

func TestEveryMetricOfTheFunctionsHasANameAndTheOtherWayRound(t *testing.T) {
	stack := newStack(t)
	r := newIngestion(stack, valid(stack))
	names := metricNames(t)
	function := synth(t, stack).one(t, "AWS::Lambda::Function", "IngestionTrackerFunction")
	env := function["Environment"].(map[string]any)["Variables"].(map[string]any)
	for _, m := range schema.Metrics() {
		name := ingestion.MetricName(m.Name)
		if !names[name] {
			t.Errorf("the metric %s has no constant", m.Name)
			continue
		}
		got := r.Metric(name, nil)
		if *got.Namespace() != schema.MetricNamespace || *got.MetricName() != m.Name || *got.Statistic() != m.Statistic {
			t.Errorf("%s: got %s %s %s", name, *got.Namespace(), *got.MetricName(), *got.Statistic())
		}
		if dimensions := *got.Dimensions(); len(dimensions) != 1 || dimensions[schema.MetricDimension] != env["INGESTION"] {
			t.Errorf("%s: got dimensions %v, the functions write %s %v", name, dimensions, schema.MetricDimension, env["INGESTION"])
		}
		delete(names, name)
	}
	for name := range names {
		t.Errorf("no function writes the metric %s", name)
	}
}

func TestMetricsTakeOptions(t *testing.T) {
	stack := newStack(t)
	got := newIngestion(stack, valid(stack)).Metric(ingestion.MetricHealed, &awscloudwatch.MetricOptions{
		Statistic: jsii.String("SampleCount"), Period: awscdk.Duration_Hours(jsii.Number(2)), Label: jsii.String("mine"),
	})
	if *got.Statistic() != "SampleCount" || *got.Period().ToMinutes(nil) != 120 || *got.Label() != "mine" {
		t.Errorf("got %s, %v minutes, %s", *got.Statistic(), *got.Period().ToMinutes(nil), *got.Label())
	}
}

func TestAnUnknownMetricIsRefusedByName(t *testing.T) {
	stack := newStack(t)
	r := newIngestion(stack, valid(stack))
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, `"Heeled"`) || !strings.Contains(said, "ingestion.MetricHealed") {
			t.Errorf("got %q, want the name and a constant", said)
		}
	}()
	r.Metric("Heeled", nil)
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
			value := (*r.Metric(ingestion.MetricRecorded, nil).Dimensions())[schema.MetricDimension]
			if other, taken := seen[value]; taken {
				t.Errorf("%s/%s has the dimension %v of %s", stackID, id, value, other)
			}
			seen[value] = stackID + "/" + id
		}
	}
}
