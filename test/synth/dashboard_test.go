package synth_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// widget is one of a dashboard's, as CloudWatch reads it ("Dashboard Body Structure and Syntax", Amazon CloudWatch API
// Reference).
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title    string
		Markdown string
		Query    string
		Alarms   []string
		Metrics  [][]any
		YAxis    map[string]any
	}
}

func dashboard(t *testing.T, tpl template) []widget {
	t.Helper()
	body := render(tpl.one(t, "AWS::CloudWatch::Dashboard", "IngestionDashboard")["DashboardBody"])
	var d struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return d.Widgets
}

func TestTheDashboardFillsItsRowsAndNothingOverlaps(t *testing.T) {
	widgets := dashboard(t, minimal(t))
	taken := map[[2]int]string{}
	height := 0
	for _, w := range widgets {
		height = max(height, w.Y+w.Height)
		if w.X < 0 || w.Width < 1 || w.X+w.Width > 24 {
			t.Errorf("%s does not fit into 24 columns: %+v", w.name(), w)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%q and %q overlap", w.name(), other)
				}
				taken[[2]int{x, y}] = w.name()
			}
		}
	}
	for x := range 24 {
		for y := range height {
			if _, ok := taken[[2]int{x, y}]; !ok {
				t.Fatalf("column %d, row %d is empty:\n%s", x, y, picture(widgets))
			}
		}
	}
	t.Log("\n" + picture(widgets))
}

func (w widget) name() string {
	if w.Type == "text" {
		return "text"
	}
	return w.Properties.Title
}

// picture draws a dashboard, a line for each row of widgets.
func picture(widgets []widget) string {
	var b strings.Builder
	y := -1
	for _, w := range widgets {
		if w.Y != y {
			y = w.Y
			fmt.Fprintf(&b, "\n%2d |", y)
		}
		fmt.Fprintf(&b, " %-*.*s |", w.Width*4-2, w.Width*4-2, w.name())
	}
	return b.String()
}

func TestTheDashboardBeginsWithWhetherAnythingIsLost(t *testing.T) {
	tpl := minimal(t)
	widgets := dashboard(t, tpl)
	if got := widgets[0]; got.Type != "text" || !strings.Contains(got.Properties.Markdown, "operations.md#the-dashboard") ||
		!strings.Contains(got.Properties.Markdown, "POST https://${IngestionApi}") {
		t.Errorf("the first widget is %+v, want what to read and how to replay", got)
	}
	if got := widgets[1]; got.Type != "alarm" || len(got.Properties.Alarms) != len(alarmsOf(tpl)) {
		t.Errorf("the second widget is %+v, want the state of all %d alarms", got, len(alarmsOf(tpl)))
	}
	if got := widgets[len(widgets)-1]; got.Type != "log" || strings.Count(got.Properties.Query, "SOURCE '${Ingestion") != 7 {
		t.Errorf("the last widget is %+v, want a query over the logs of the 7 functions", got)
	}
}

// documented are the metrics and dimensions that AWS's own services write, by namespace and by the dimensions that go
// together:
//   - "Monitoring Step Functions metrics using Amazon CloudWatch", AWS Step Functions Developer Guide
//   - "Available CloudWatch metrics for Amazon SQS", Amazon SQS Developer Guide
//   - "Types of metrics for Lambda functions", AWS Lambda Developer Guide
//   - "Amazon API Gateway dimensions and metrics", API Gateway Developer Guide
//   - "DynamoDB metrics and dimensions", Amazon DynamoDB Developer Guide
var documented = map[string][]string{
	"AWS/States StateMachineArn": {
		"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted",
		"ExecutionThrottled",
	},
	"AWS/States APIName":                                  {"ThrottledEvents"},
	"AWS/SQS QueueName":                                   {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
	"AWS/Lambda FunctionName":                             {"Errors", "Throttles", "Duration", "ConcurrentExecutions"},
	"AWS/ApiGateway ApiName Stage":                        {"Count", "4XXError", "5XXError", "Latency"},
	"AWS/DynamoDB TableName":                              {"ReadThrottleEvents", "WriteThrottleEvents"},
	"AWS/DynamoDB GlobalSecondaryIndexName TableName":     {"WriteThrottleEvents"},
	schema.MetricNamespace + " " + schema.MetricDimension: names(schema.Metrics()),
}

func names(metrics []schema.Metric) (all []string) {
	for _, m := range metrics {
		all = append(all, m.Name)
	}
	return all
}

// shown are the metrics of a dashboard and its alarms: namespace and dimensions, name, and where.
func shown(t *testing.T, tpl template) map[[2]string]string {
	t.Helper()
	found := map[[2]string]string{}
	add := func(where, namespace, name string, dimensions []string) {
		slices.Sort(dimensions)
		found[[2]string{strings.Join(append([]string{namespace}, dimensions...), " "), name}] = where
	}
	for _, w := range dashboard(t, tpl) {
		for _, m := range w.Properties.Metrics {
			var texts, dimensions []string
			for _, part := range m {
				if s, ok := part.(string); ok {
					texts = append(texts, s)
				}
			}
			for i := 2; i+1 < len(texts); i += 2 {
				dimensions = append(dimensions, texts[i])
			}
			add(w.name(), texts[0], texts[1], dimensions)
		}
	}
	for id, a := range alarmsOf(tpl) {
		var dimensions []string
		for _, d := range a["Dimensions"].([]any) {
			dimensions = append(dimensions, d.(map[string]any)["Name"].(string))
		}
		add(id, a["Namespace"].(string), a["MetricName"].(string), dimensions)
	}
	return found
}

func TestEveryMetricThatIsShownIsDocumented(t *testing.T) {
	for metric, where := range shown(t, minimal(t)) {
		if !slices.Contains(documented[metric[0]], metric[1]) {
			t.Errorf("%s shows %s of %s, which nobody writes", where, metric[1], metric[0])
		}
	}
}

func TestTheDashboardShowsEveryMetricOfTheFunctions(t *testing.T) {
	found := shown(t, minimal(t))
	for _, m := range schema.Metrics() {
		if _, ok := found[[2]string{schema.MetricNamespace + " " + schema.MetricDimension, m.Name}]; !ok {
			t.Errorf("the dashboard does not show %s", m.Name)
		}
	}
}

// What CDK gives a queue, a function or a table as a name must be the deployed one's.
func TestMetricsAreOfTheConstructsOwnParts(t *testing.T) {
	tpl := minimal(t)
	resources := map[string]bool{"v1": true, "byResource": true, "byTime": true, "byGroup": true, "TestIngestion06E85042": true}
	for id := range tpl.Resources {
		resources["${"+readable(id)+"}"] = true
		resources["${"+readable(id)+".QueueName}"] = true
	}
	for _, w := range dashboard(t, tpl) {
		for _, m := range w.Properties.Metrics {
			for i := 3; i < len(m); i += 2 {
				value, ok := m[i].(string)
				if !ok || i-1 >= len(m) {
					continue
				}
				if _, options := m[i-1].(map[string]any); !options && !resources[value] {
					t.Errorf("%s: %v %v is of %q, which is no part", w.name(), m[0], m[1], value)
				}
			}
		}
	}
}
