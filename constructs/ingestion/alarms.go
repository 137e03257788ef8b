package ingestion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// Severity says who has to know of an alarm, and when.
type Severity string

// Severities of an alarm.
const (
	// Critical: events may be lost or held up. A person has to look now.
	Critical Severity = "CRITICAL"
	// Warning: nothing is lost, and it does not pass by itself. A person has to look within the working day.
	Warning Severity = "WARNING"
)

// Periods of alarms whose metrics come at any time. Those of the schedule have its interval, or 5 minutes: CloudWatch
// makes metrics of log lines some time after they are written.
const alarmPeriod = 5 * time.Minute

// stuckPeriod is longer than it takes until a message comes back to the listener: the visibility timeout is 12 minutes.
const stuckPeriod = 15 * time.Minute

// outcomesAge is how far the tracker may fall behind, and how long it may try. Nothing is lost meanwhile; figures and
// series wait.
const outcomesAge = 15 * time.Minute

// alarm is one of the construct's. Its id is that of its field, and of its section in the runbook.
type alarm struct {
	id       string
	severity Severity
	what     string // happened
	metric   awscloudwatch.Metric
	below    bool // of the threshold; otherwise at or above it
	at       *float64
	periods  float64 // that are looked at
	breaches float64 // of them that must be over
	missing  awscloudwatch.TreatMissingData
	field    *awscloudwatch.Alarm
}

// every returns the options of a metric's period.
func every(d time.Duration) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Period: awscdk.Duration_Seconds(jsii.Number(d.Seconds()))}
}

// alarms are what has to be known of, by effect and not by function: one alarm for each way in which events stop to get
// on, so that one fault does not raise seven. None has metric math, which an emulator refuses.
func (r *ReplayableIngestion) alarms(s *settings) []alarm {
	const silent, noisy, keep = awscloudwatch.TreatMissingData_NOT_BREACHING, awscloudwatch.TreatMissingData_BREACHING, awscloudwatch.TreatMissingData_IGNORE
	usual, o := every(alarmPeriod), s.observability
	interval := goDuration(s.auto.interval)
	slow := every(max(interval, alarmPeriod))
	return []alarm{{
		// 2 of 3: a service that does not answer for a minute leaves an event so for one run, and a period may have no
		// run.
		id: "UnaccountedAlarm", field: &r.UnaccountedAlarm, severity: Critical,
		what:   "the outcome of an event is unknown",
		metric: r.Metric(MetricUnaccounted, every(interval)), at: jsii.Number(1), periods: 3, breaches: 2, missing: silent,
	}, {
		id: "AutoReplayAlarm", field: &r.AutoReplayAlarm, severity: Critical,
		what:   "auto-replay has not come to the end of a run for three periods: failures are neither taken in nor replayed",
		metric: r.Metric(MetricAutoReplayRuns, slow), below: true, at: jsii.Number(1), periods: 3, breaches: 3, missing: noisy,
	}, {
		id: "FailureAlarm", field: &r.FailureAlarm, severity: Critical,
		what:   fmt.Sprintf("%v %% or more of the live executions have failed for a quarter of an hour", text(o.failureRate)),
		metric: r.Metric(MetricFailureRate, usual), at: o.failureRate, periods: 3, breaches: 3, missing: silent,
	}, {
		id: "ThrottlesAlarm", field: &r.ThrottlesAlarm, severity: Critical,
		what:   "Lambda throttles the function that records events: the account has no concurrency left",
		metric: r.RecordFunction.MetricThrottles(usual), at: jsii.Number(1), periods: 3, breaches: 2, missing: silent,
	}, {
		// 2 of 3: a burst that the account's bucket does not hold passes by itself.
		id: "StartsThrottledAlarm", field: &r.StartsThrottledAlarm, severity: Critical,
		what:   "Step Functions refuses starts of executions in this account and Region: events that producers do not send again are lost",
		metric: metricStartsThrottled(usual), at: jsii.Number(1), periods: 3, breaches: 2, missing: silent,
	}, {
		id: "DeadLetterAlarm", field: &r.DeadLetterAlarm, severity: Critical,
		// AutoReplayAlarm goes off if auto-replay does not ingest what is in the queue.
		what:   "auto-replay has not been able to take a dead letter in for three periods",
		metric: r.Metric(MetricDeadLettersLeft, slow), at: jsii.Number(1), periods: 3, breaches: 3, missing: silent,
	}, {
		id: "ExecutionThrottledAlarm", field: &r.ExecutionThrottledAlarm, severity: Warning,
		what:   "Step Functions holds states of the workflow back: the account has no state transitions left",
		metric: r.StateMachine.MetricThrottled(usual), at: jsii.Number(1), periods: 3, breaches: 2, missing: silent,
	}, {
		id: "OutcomesAlarm", field: &r.OutcomesAlarm, severity: Warning,
		what:   fmt.Sprintf("the end of an execution has been in the outcomes queue for %s: nobody reads it, or not fast enough", outcomesAge),
		metric: r.OutcomesQueue.MetricApproximateAgeOfOldestMessage(usual), at: jsii.Number(outcomesAge.Seconds()), periods: 1, breaches: 1, missing: silent,
	}, {
		id: "OutcomesStuckAlarm", field: &r.OutcomesStuckAlarm, severity: Warning,
		what:   fmt.Sprintf("the tracker has failed for %s to record the outcome of an execution", outcomesAge),
		metric: r.Metric(MetricOutcomesStuck, usual), at: jsii.Number(outcomesAge.Seconds()), periods: 1, breaches: 1, missing: silent,
	}, {
		id: "ReplayQueueAlarm", field: &r.ReplayQueueAlarm, severity: Warning,
		what:   fmt.Sprintf("a replay has been in the replay queue for %s: nobody reads it, or not fast enough", goDuration(o.replayAge)),
		metric: r.ReplayQueue.MetricApproximateAgeOfOldestMessage(usual), at: jsii.Number(goDuration(o.replayAge).Seconds()), periods: 1, breaches: 1, missing: silent,
	}, {
		id: "ReplaysStuckAlarm", field: &r.ReplaysStuckAlarm, severity: Warning,
		what:   fmt.Sprintf("the listener has failed for %s to start a replay", goDuration(o.replayAge)),
		metric: r.Metric(MetricReplaysStuck, every(stuckPeriod)), at: jsii.Number(goDuration(o.replayAge).Seconds()), periods: 1, breaches: 1, missing: silent,
	}, {
		// It stays until the quarantine is emptied, and does not end when no run counts.
		id: "QuarantineAlarm", field: &r.QuarantineAlarm, severity: Warning,
		what:   fmt.Sprintf("%v or more failures are in quarantine and wait for a person", text(o.quarantine)),
		metric: r.Metric(MetricInQuarantine, slow), at: o.quarantine, periods: 1, breaches: 1, missing: keep,
	}, {
		// With a shorter period than the schedule's, two of three could not have errors of auto-replay.
		id: "ErrorsAlarm", field: &r.ErrorsAlarm, severity: Warning,
		what:   "functions log errors that do not pass by themselves",
		metric: r.Metric(MetricErrors, slow), at: jsii.Number(1), periods: 3, breaches: 2, missing: silent,
	}, {
		id: "ApiErrorsAlarm", field: &r.ApiErrorsAlarm, severity: Warning,
		what:   "the replay API answers with 5xx",
		metric: r.Api.DeploymentStage().MetricServerError(sum(usual)), at: jsii.Number(1), periods: 3, breaches: 2, missing: silent,
	}}
}

// text prints a threshold, which may be a token.
func text(n *float64) string {
	if isToken(n) {
		return "too many"
	}
	return fmt.Sprint(*n)
}

func sum(opts *awscloudwatch.MetricOptions) *awscloudwatch.MetricOptions {
	with := *opts
	with.Statistic = jsii.String("Sum")
	return &with
}

func (r *ReplayableIngestion) addAlarms(s *settings) {
	if !s.observability.alarms {
		return
	}
	for _, a := range r.alarms(s) {
		made := r.newAlarm(a, s)
		*a.field = made
		r.all = append(r.all, made)
		if a.severity == Critical {
			r.critical = append(r.critical, made)
		}
	}
}

func (r *ReplayableIngestion) newAlarm(a alarm, s *settings) awscloudwatch.Alarm {
	operator := awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD
	if a.below {
		operator = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
	}
	made := awscloudwatch.NewAlarm(r, jsii.String(a.id), &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String(fmt.Sprintf("%s, %s: %s. What to do: %s#%s",
			a.severity, r.path(), a.what, s.observability.runbookURL, strings.ToLower(a.id))),
		Metric:             a.metric,
		Threshold:          a.at,
		ComparisonOperator: operator,
		EvaluationPeriods:  jsii.Number(a.periods),
		DatapointsToAlarm:  jsii.Number(a.breaches),
		TreatMissingData:   a.missing,
	})
	if actions := s.observability.actions; len(actions) > 0 {
		made.AddAlarmAction(actions...)
	}
	if actions := s.observability.okActions; len(actions) > 0 {
		made.AddOkAction(actions...)
	}
	return made
}

// Alarms returns the alarms, the critical ones first; none with Alarms false. Add actions to all of them by
// AlarmActions.
func (r *ReplayableIngestion) Alarms() []awscloudwatch.Alarm {
	return slices.Clone(r.all)
}

// CriticalAlarms returns the alarms whose severity is Critical, for actions that page a person.
func (r *ReplayableIngestion) CriticalAlarms() []awscloudwatch.Alarm {
	return slices.Clone(r.critical)
}
