package ingestion

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// A dashboard is 24 columns wide. Its rows are these heights, in units of the console.
const (
	dashboardWidth = 24
	graphHeight    = 6
	statusHeight   = 4
	textHeight     = 5
	logsHeight     = 8
)

// addDashboard lays out the questions of a person on call, in this order: is anything lost, what comes in and out, what
// fails and how does it end, what do replays do, what waits, how healthy are the functions and the API, and which
// errors were logged.
func (r *ReplayableIngestion) addDashboard(s *settings) {
	if !s.observability.dashboard {
		return
	}
	r.Dashboard = awscloudwatch.NewDashboard(r, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DefaultInterval: awscdk.Duration_Hours(jsii.Number(6)),
		Widgets: &[]*[]awscloudwatch.IWidget{
			{r.guide(s)},
			r.statusRow(),
			r.eventsRow(),
			r.failuresRow(),
			r.replaysRow(),
			r.functionsRow(),
			r.troubleRow(),
			r.servicesRow(),
			{r.lastErrors()},
		},
	})
}

// guide says where to look and how to replay.
func (r *ReplayableIngestion) guide(s *settings) awscloudwatch.IWidget {
	link := func(text, anchor string) string {
		return "[" + text + "](" + s.observability.runbookURL + "#" + anchor + ")"
	}
	text := []string{
		"# " + r.path(),
		"An event is accounted for if it succeeded, was superseded, is in quarantine, was aborted, runs or waits. " +
			"**Runbook**: " + link("how to read this page", "the-dashboard") + ", " + link("after an outage", "replay-after-an-outage") +
			", " + link("the quarantine", "empty-the-quarantine") + ", " + link("pause automatic replays", "pause-automatic-replays") +
			", " + link("restore", "restore-the-ledger") + ".",
		"**To replay**: `POST " + *r.Api.Url() + "replays`, signed, with a body such as " +
			"`{\"select\": {\"failures\": {\"error\": \"*\"}}, \"maxPerSecond\": 5, \"dryRun\": true, \"reason\": \"...\"}`. " +
			"Look at what the dry run would do, then send it without `dryRun`.",
	}
	return awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{
		Markdown: jsii.String(strings.Join(text, "\n\n")), Width: jsii.Number(dashboardWidth), Height: jsii.Number(textHeight),
	})
}

// statusRow answers whether anything is lost.
func (r *ReplayableIngestion) statusRow() *[]awscloudwatch.IWidget {
	figures := &awscloudwatch.SingleValueWidgetProps{
		Title: jsii.String("Unaccounted for, in quarantine, dead letters left, paused (1), last run"),
		Metrics: &[]awscloudwatch.IMetric{
			r.Metric(MetricUnaccounted, label("unaccounted for")), r.Metric(MetricInQuarantine, label("in quarantine")),
			r.Metric(MetricDeadLettersLeft, label("dead letters left")), r.Metric(MetricReplaysPaused, label("replays paused")),
			r.Metric(MetricAutoReplayPaused, label("automatic replays paused")), r.Metric(MetricAutoReplaySeconds, label("last run, s")),
		},
		Width: jsii.Number(dashboardWidth), Height: jsii.Number(statusHeight),
	}
	if len(r.all) == 0 {
		return &[]awscloudwatch.IWidget{awscloudwatch.NewSingleValueWidget(figures)}
	}
	var alarms []interfacesawscloudwatch.IAlarmRef
	for _, a := range r.all {
		alarms = append(alarms, a)
	}
	figures.Width = jsii.Number(dashboardWidth / 2)
	return &[]awscloudwatch.IWidget{
		awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
			Title: jsii.String("Is anything lost, or held up?"), Alarms: &alarms,
			Width: jsii.Number(dashboardWidth / 2), Height: jsii.Number(statusHeight),
		}),
		awscloudwatch.NewSingleValueWidget(figures),
	}
}

func (r *ReplayableIngestion) eventsRow() *[]awscloudwatch.IWidget {
	return row(
		graph{title: "Events in and out", left: metrics{
			r.Metric(MetricRecorded, label("recorded")), r.Metric(MetricPublished, label("published")),
			r.Metric(MetricPublishSuperseded, label("superseded when published")), r.Metric(MetricPublishSuppressed, label("suppressed by a replay")),
			r.Metric(MetricRepublished, label("published again")),
		}},
		graph{title: "Executions, replays included", left: metrics{
			r.StateMachine.MetricStarted(label("started")), r.StateMachine.MetricSucceeded(label("succeeded")), r.StateMachine.MetricFailed(label("failed")),
			r.StateMachine.MetricTimedOut(label("timed out")), r.StateMachine.MetricAborted(label("aborted")),
		}},
		graph{title: "Live executions that failed, %", left: metrics{r.Metric(MetricFailureRate, label("failure rate"))}},
	)
}

func (r *ReplayableIngestion) failuresRow() *[]awscloudwatch.IWidget {
	heal := func(statistic string) awscloudwatch.Metric {
		return r.Metric(MetricTimeToHeal, &awscloudwatch.MetricOptions{Statistic: jsii.String(statistic), Label: jsii.String(statistic)})
	}
	return row(
		graph{title: "Failures and their outcomes", left: metrics{
			r.Metric(MetricFailures, label("failures")), r.Metric(MetricAutoReplayed, label("replayed automatically")), r.Metric(MetricHealed, label("healed")),
			r.Metric(MetricFailedAgain, label("failed again")), r.Metric(MetricSuperseded, label("superseded")),
			r.Metric(MetricQuarantined, label("quarantined")), r.Metric(MetricClosed, label("closed")),
		}},
		graph{title: "In quarantine", left: metrics{r.Metric(MetricInQuarantine, label("in quarantine"))}},
		graph{title: "From failure to healing, s", left: metrics{heal("p50"), heal("p90"), heal("Maximum")}},
	)
}

func (r *ReplayableIngestion) replaysRow() *[]awscloudwatch.IWidget {
	return row(
		graph{title: "Items of API replays", left: metrics{
			r.Metric(MetricReplayItemsStarted, label("started")), r.Metric(MetricReplayItemsSucceeded, label("succeeded")),
			r.Metric(MetricReplayItemsFailed, label("failed")), r.Metric(MetricReplayItemsSkipped, label("skipped")),
			r.Metric(MetricReplayItemsPlanned, label("planned by dry runs")), r.Metric(MetricReplaysHalted, label("replays halted")),
		}},
		graph{title: "Messages that wait", left: metrics{
			r.ReplayQueue.MetricApproximateNumberOfMessagesVisible(label("replays")), r.OutcomesQueue.MetricApproximateNumberOfMessagesVisible(label("outcomes")),
			r.DeadLetterQueue.MetricApproximateNumberOfMessagesVisible(label("dead letters")),
		}},
		graph{title: "Age of the oldest message, and for how long one has failed, s", left: metrics{
			r.ReplayQueue.MetricApproximateAgeOfOldestMessage(label("replays")), r.OutcomesQueue.MetricApproximateAgeOfOldestMessage(label("outcomes")), r.DeadLetterQueue.MetricApproximateAgeOfOldestMessage(label("dead letters")),
			r.Metric(MetricReplaysStuck, label("replays, failing")), r.Metric(MetricOutcomesStuck, label("outcomes, failing")),
		}},
	)
}

// namedFunction is one of the construct's, with the name under which it is shown.
type namedFunction struct {
	name string
	awslambda.Function
}

func (r *ReplayableIngestion) functions() []namedFunction {
	return []namedFunction{
		{"Record", r.RecordFunction}, {"Publish", r.PublishFunction}, {"Tracker", r.TrackerFunction},
		{"AutoReplay", r.AutoReplayFunction}, {"ReplayHandler", r.ReplayHandlerFunction},
		{"ReplayListener", r.ReplayListenerFunction}, {"Series", r.SeriesFunction},
	}
}

func (r *ReplayableIngestion) functionsRow() *[]awscloudwatch.IWidget {
	var duration, concurrency metrics
	for _, f := range r.functions() {
		concurrency = append(concurrency, f.Metric(jsii.String("ConcurrentExecutions"), with("Maximum", f.name)))
		if f.name != "Record" && f.name != "Publish" {
			duration = append(duration, f.MetricDuration(with("p99", f.name+" p99")))
		}
	}
	return row(
		graph{title: "On the way of an event: duration, ms", left: metrics{
			r.RecordFunction.MetricDuration(with("p50", "Record p50")), r.RecordFunction.MetricDuration(with("p99", "Record p99")),
			r.PublishFunction.MetricDuration(with("p50", "Publish p50")), r.PublishFunction.MetricDuration(with("p99", "Publish p99")),
		}},
		graph{title: "The other functions: duration, ms", left: duration},
		graph{title: "Functions at once", left: concurrency},
	)
}

func (r *ReplayableIngestion) troubleRow() *[]awscloudwatch.IWidget {
	var failed, throttled metrics
	for _, f := range r.functions() {
		failed = append(failed, f.MetricErrors(label(f.name)))
		throttled = append(throttled, f.MetricThrottles(label(f.name)))
	}
	return row(
		graph{title: "Invocations that failed, and errors logged", left: failed,
			right: metrics{r.Metric(MetricErrors, label("errors logged"))}},
		graph{title: "Invocations that Lambda throttled", left: throttled},
		graph{title: "Runs of auto-replay", left: metrics{r.Metric(MetricAutoReplayRuns, label("runs")), r.Metric(MetricUnaccounted, label("unaccounted for"))},
			right: metrics{r.Metric(MetricAutoReplaySeconds, label("took, s"))}},
	)
}

func (r *ReplayableIngestion) servicesRow() *[]awscloudwatch.IWidget {
	stage := r.Api.DeploymentStage()
	throttled := metrics{
		r.StateMachine.MetricThrottled(label("executions")), r.SeriesMachine.MetricThrottled(label("series")),
		r.Ledger.Metric(jsii.String("ReadThrottleEvents"), with("Sum", "ledger, reads")),
		r.Ledger.Metric(jsii.String("WriteThrottleEvents"), with("Sum", "ledger, writes")),
	}
	for _, index := range schema.Indexes() {
		opts := with("Sum", "ledger, writes to "+index.Name)
		opts.DimensionsMap = &map[string]*string{
			"TableName": r.tableName(), "GlobalSecondaryIndexName": jsii.String(index.Name),
		}
		throttled = append(throttled, r.Ledger.Metric(jsii.String("WriteThrottleEvents"), opts))
	}
	return row(
		graph{title: "Requests to the replay API", left: metrics{
			stage.MetricCount(with("SampleCount", "requests")), stage.MetricClientError(with("Sum", "4xx")),
			stage.MetricServerError(with("Sum", "5xx")),
		}},
		graph{title: "Latency of the replay API, ms", left: metrics{
			stage.MetricLatency(with("p50", "p50")), stage.MetricLatency(with("p99", "p99")),
		}},
		graph{title: "Step Functions and DynamoDB throttle", left: throttled},
	)
}

// lastErrors lists what the functions logged at WARN and ERROR, of all log groups.
func (r *ReplayableIngestion) lastErrors() awscloudwatch.IWidget {
	var groups []*string
	for _, f := range r.functions() {
		groups = append(groups, f.LogGroup().LogGroupName())
	}
	return awscloudwatch.NewLogQueryWidget(&awscloudwatch.LogQueryWidgetProps{
		Title:         jsii.String("The last errors and warnings of all functions"),
		LogGroupNames: &groups,
		QueryLines: jsii.Strings(
			"fields @timestamp, level, message, execution, resourceId, replayId, error, requestId",
			`filter level in ["ERROR", "WARN"] or type = "platform.report" and record.status != "success"`,
			"sort @timestamp desc",
			"limit 50",
		),
		View:  awscloudwatch.LogQueryVisualizationType_TABLE,
		Width: jsii.Number(dashboardWidth), Height: jsii.Number(logsHeight),
	})
}

type metrics []awscloudwatch.IMetric

type graph struct {
	title string
	left  metrics
	right metrics
}

// row shares the width among graphs.
func row(graphs ...graph) *[]awscloudwatch.IWidget {
	widgets := make([]awscloudwatch.IWidget, len(graphs))
	for i, g := range graphs {
		left, right := []awscloudwatch.IMetric(g.left), []awscloudwatch.IMetric(g.right)
		widgets[i] = awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
			Title: jsii.String(g.title), Left: &left, Right: &right,
			LeftYAxis: fromZero(), RightYAxis: fromZero(),
			Width: jsii.Number(float64(dashboardWidth / len(graphs))), Height: jsii.Number(graphHeight),
		})
	}
	return &widgets
}

func fromZero() *awscloudwatch.YAxisProps {
	return &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)}
}

func label(text string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Label: jsii.String(text)}
}

func with(statistic, text string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Statistic: jsii.String(statistic), Label: jsii.String(text)}
}
