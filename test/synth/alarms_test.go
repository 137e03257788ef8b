package synth_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// alarmsOf returns the alarms of a template, without the name of the construct.
func alarmsOf(tpl template) map[string]map[string]any {
	alarms := map[string]map[string]any{}
	for id, r := range tpl.ofType("AWS::CloudWatch::Alarm") {
		alarms[strings.TrimPrefix(id, "Ingestion")] = r.Properties
	}
	return alarms
}

func TestAlarms(t *testing.T) {
	alarms := alarmsOf(minimal(t))
	line := func(a map[string]any) string {
		return fmt.Sprintf("%v %v %v %v, %v of %v periods of %v s, missing data %v",
			a["Statistic"], a["MetricName"], strings.TrimSuffix(a["ComparisonOperator"].(string), "Threshold"), a["Threshold"],
			a["DatapointsToAlarm"], a["EvaluationPeriods"], a["Period"], a["TreatMissingData"])
	}
	want := map[string]string{
		"UnaccountedAlarm": "Maximum UnaccountedVersions GreaterThanOrEqualTo 1, 2 of 3 periods of 300 s, missing data notBreaching",
		"AutoReplayAlarm":  "Sum AutoReplayRuns LessThan 1, 3 of 3 periods of 300 s, missing data breaching",
		"FailureAlarm":     "Average FailureRate GreaterThanOrEqualTo 25, 3 of 3 periods of 300 s, missing data notBreaching",
		"ThrottlesAlarm":   "Sum Throttles GreaterThanOrEqualTo 1, 2 of 3 periods of 300 s, missing data notBreaching",

		"StartsThrottledAlarm":    "Sum ThrottledEvents GreaterThanOrEqualTo 1, 2 of 3 periods of 300 s, missing data notBreaching",
		"ExecutionThrottledAlarm": "Sum ExecutionThrottled GreaterThanOrEqualTo 1, 2 of 3 periods of 300 s, missing data notBreaching",
		"DeadLetterAlarm":         "Maximum DeadLettersLeft GreaterThanOrEqualTo 1, 3 of 3 periods of 300 s, missing data notBreaching",
		"OutcomesAlarm":           "Maximum ApproximateAgeOfOldestMessage GreaterThanOrEqualTo 900, 1 of 1 periods of 300 s, missing data notBreaching",
		"ReplayQueueAlarm":        "Maximum ApproximateAgeOfOldestMessage GreaterThanOrEqualTo 3600, 1 of 1 periods of 300 s, missing data notBreaching",
		"OutcomesStuckAlarm":      "Maximum OutcomesStuck GreaterThanOrEqualTo 900, 1 of 1 periods of 300 s, missing data notBreaching",
		"ReplaysStuckAlarm":       "Maximum ReplaysStuck GreaterThanOrEqualTo 3600, 1 of 1 periods of 900 s, missing data notBreaching",
		"QuarantineAlarm":         "Maximum InQuarantine GreaterThanOrEqualTo 1, 1 of 1 periods of 300 s, missing data ignore",
		"ErrorsAlarm":             "Sum Errors GreaterThanOrEqualTo 1, 2 of 3 periods of 300 s, missing data notBreaching",
		"ApiErrorsAlarm":          "Sum 5XXError GreaterThanOrEqualTo 1, 2 of 3 periods of 300 s, missing data notBreaching",
	}
	for id, a := range alarms {
		if got := line(a); got != want[id] {
			t.Errorf("%s:\n got %s\nwant %s", id, got, want[id])
		}
		if _, math := a["Metrics"]; math {
			t.Errorf("%s uses metric math, which emulators refuse", id)
		}
		if a["AlarmActions"] != nil || a["AlarmName"] != nil {
			t.Errorf("%s has actions %v and name %v, want neither", id, a["AlarmActions"], a["AlarmName"])
		}
	}
	if len(alarms) != len(want) {
		t.Errorf("got %v, want %v", slices.Sorted(maps.Keys(alarms)), slices.Sorted(maps.Keys(want)))
	}
}

func TestEveryAlarmSaysWhatHappenedAndWhatToDo(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.RunbookUrl = jsii.String("https://example.com/runbook")
	r := newIngestion(stack, props)
	alarms := alarmsOf(synth(t, stack))
	if got := len(r.Alarms()); got != len(alarms) {
		t.Errorf("Alarms returns %d, the template has %d", got, len(alarms))
	}
	for i, alarm := range r.Alarms() {
		id := *alarm.Node().Id()
		text := alarms[id]["AlarmDescription"].(string)
		severity := ingestion.Warning
		if slices.Contains(r.CriticalAlarms(), alarm) {
			severity = ingestion.Critical
			if i >= len(r.CriticalAlarms()) {
				t.Errorf("%s is critical and comes after warnings", id)
			}
		}
		if !strings.HasPrefix(text, string(severity)+", Test/Ingestion: ") ||
			!strings.HasSuffix(text, ". What to do: https://example.com/runbook#"+strings.ToLower(id)) {
			t.Errorf("%s: got description %q", id, text)
		}
	}
}

func TestAlarmsFollowTheProps(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.AutoReplayInterval = awscdk.Duration_Minutes(jsii.Number(20))
	props.FailureRateThreshold = jsii.Number(7.5)
	props.QuarantineThreshold = jsii.Number(50)
	props.ReplayAgeThreshold = awscdk.Duration_Hours(jsii.Number(6))
	topic := awssns.NewTopic(stack, jsii.String("OnCall"), nil)
	notify := []awscloudwatch.IAlarmAction{awscloudwatchactions.NewSnsAction(topic)}
	props.AlarmActions, props.OkActions = &notify, &notify
	newIngestion(stack, props)
	alarms := alarmsOf(synth(t, stack))
	for id, expected := range map[string]map[string]string{
		"UnaccountedAlarm":  {"Period": "1200"},
		"AutoReplayAlarm":   {"Period": "1200"},
		"DeadLetterAlarm":   {"Period": "1200", "Threshold": "1"},
		"ErrorsAlarm":       {"Period": "1200"},
		"QuarantineAlarm":   {"Period": "1200", "Threshold": "50"},
		"FailureAlarm":      {"Threshold": "7.5"},
		"ReplayQueueAlarm":  {"Threshold": "21600"},
		"ReplaysStuckAlarm": {"Period": "900", "Threshold": "21600"},
	} {
		want(t, alarms[id], expected)
	}
	for id, a := range alarms {
		want(t, a, map[string]string{"AlarmActions.0": "${OnCall}", "OKActions.0": "${OnCall}"})
		if !strings.Contains(a["AlarmDescription"].(string), ": ") {
			t.Errorf("%s has no description", id)
		}
	}
}

func TestAFastScheduleDoesNotMakeFastAlarms(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.AutoReplayInterval = awscdk.Duration_Minutes(jsii.Number(1))
	newIngestion(stack, props)
	alarms := alarmsOf(synth(t, stack))
	want(t, alarms["AutoReplayAlarm"], map[string]string{"Period": "300"})
	want(t, alarms["DeadLetterAlarm"], map[string]string{"Period": "300"})
}

// With periods shorter than the schedule's, an alarm on what a run of auto-replay writes could not have it in two of three.
func TestAlarmsOnWhatARunWritesHaveTheSchedulesPeriod(t *testing.T) {
	for _, minutes := range []float64{1, 5, 15, 60} {
		stack := newStack(t)
		props := valid(stack)
		props.AutoReplayInterval = awscdk.Duration_Minutes(jsii.Number(minutes))
		newIngestion(stack, props)
		for id, a := range alarmsOf(synth(t, stack)) {
			fed := slices.Contains([]any{"UnaccountedVersions", "AutoReplayRuns", "DeadLettersLeft", "InQuarantine", "Errors"}, a["MetricName"])
			if period := a["Period"].(float64); fed && period < minutes*60 {
				t.Errorf("a run every %v minutes: %s has periods of %v s", minutes, id, period)
			}
		}
	}
}

// A message that was received three times counts no more in the age that SQS measures (Amazon SQS Developer Guide,
// "Available CloudWatch metrics for Amazon SQS"). Where the third receive comes before the threshold, an alarm on the age
// alone cannot go off: the function itself must say that it keeps failing, and at least once in a period.
func TestAMessageThatIsTriedInVainRaisesAnAlarm(t *testing.T) {
	tpl := minimal(t)
	alarms := alarmsOf(tpl)
	for queue, stuck := range map[string]string{"OutcomesQueue": "OutcomesStuckAlarm", "ReplayQueue": "ReplaysStuckAlarm"} {
		comesBack := tpl.one(t, "AWS::SQS::Queue", "Ingestion"+queue)["VisibilityTimeout"].(float64)
		if period := alarms[stuck]["Period"].(float64); period < comesBack {
			t.Errorf("%s looks at %v s, in which a message that comes back each %v s may not be tried", stuck, period, comesBack)
		}
	}
	for id, a := range alarms {
		if a["MetricName"] == "ApproximateAgeOfOldestMessage" && alarms[map[string]string{
			"OutcomesAlarm": "OutcomesStuckAlarm", "ReplayQueueAlarm": "ReplaysStuckAlarm",
		}[id]] == nil {
			t.Errorf("%s is on the age that SQS measures, and nothing tells of messages that keep failing", id)
		}
	}
	if len(alarms) > 14 {
		t.Errorf("%d alarms: nobody reads so many", len(alarms))
	}
}

func TestAlarmsAndDashboardCanBeLeftOut(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.Alarms, props.Dashboard = jsii.Bool(false), jsii.Bool(false)
	r := newIngestion(stack, props)
	tpl := synth(t, stack)
	if got := len(alarmsOf(tpl)) + len(tpl.ofType("AWS::CloudWatch::Dashboard")); got != 0 || len(r.Alarms())+len(r.CriticalAlarms()) != 0 {
		t.Errorf("got %d alarms and dashboards", got)
	}
	if r.UnaccountedAlarm != nil || r.Dashboard != nil {
		t.Error("fields are set although there is nothing")
	}
}

func TestADashboardWithoutAlarms(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.Alarms = jsii.Bool(false)
	newIngestion(stack, props)
	for _, w := range dashboard(t, synth(t, stack)) {
		if w.Type == "alarm" {
			t.Errorf("got %+v", w)
		}
	}
}
