package ingestion

import (
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// runbook is this project's, which has a section for each alarm.
const runbook = "https://github.com/ce873799/replayable-ingestion/blob/main/docs/operations.md"

// observability is what is logged, alarmed on and shown.
type observability struct {
	logLevel    awslambda.ApplicationLogLevel
	alarms      bool
	actions     []awscloudwatch.IAlarmAction
	okActions   []awscloudwatch.IAlarmAction
	runbookURL  string
	failureRate *float64
	quarantine  *float64
	replayAge   awscdk.Duration
	dashboard   bool
}

func (p *ReplayableIngestionProps) resolveObservability() observability {
	o := observability{
		logLevel:    p.LogLevel,
		alarms:      or(p.Alarms, true),
		actions:     or(p.AlarmActions, nil),
		okActions:   or(p.OkActions, nil),
		runbookURL:  or(p.RunbookUrl, runbook),
		failureRate: p.FailureRateThreshold,
		quarantine:  p.QuarantineThreshold,
		replayAge:   p.ReplayAgeThreshold,
		dashboard:   or(p.Dashboard, true),
	}
	if o.logLevel == "" {
		o.logLevel = awslambda.ApplicationLogLevel_INFO
	}
	if o.failureRate == nil {
		o.failureRate = jsii.Number(25)
	}
	if o.quarantine == nil {
		o.quarantine = jsii.Number(1)
	}
	if o.replayAge == nil {
		o.replayAge = awscdk.Duration_Hours(jsii.Number(1))
	}
	return o
}

func (p *ReplayableIngestionProps) validateObservability(f *faults) {
	levels := []awslambda.ApplicationLogLevel{
		"", awslambda.ApplicationLogLevel_INFO, awslambda.ApplicationLogLevel_WARN, awslambda.ApplicationLogLevel_ERROR,
	}
	if !slices.Contains(levels, p.LogLevel) {
		f.add("LogLevel must be INFO, WARN or ERROR, which are what the functions write, got %s", p.LogLevel)
	}
	for _, actions := range []struct {
		prop string
		list *[]awscloudwatch.IAlarmAction
	}{{"AlarmActions", p.AlarmActions}, {"OkActions", p.OkActions}} {
		for i, a := range or(actions.list, nil) {
			if isNil(a) {
				f.add("%s[%d] must be an action, such as awscloudwatchactions.NewSnsAction, got nothing", actions.prop, i)
			}
		}
	}
	if p.RunbookUrl != nil && *p.RunbookUrl == "" {
		f.add("RunbookUrl must be the URL of a runbook, got nothing: leave it out for this project's")
	}
	f.number("FailureRateThreshold", p.FailureRateThreshold, 1, 100, fractional)
	f.number("QuarantineThreshold", p.QuarantineThreshold, 1, 10_000, whole)
	f.known("ReplayAgeThreshold", p.ReplayAgeThreshold)
	f.duration("ReplayAgeThreshold", p.ReplayAgeThreshold, time.Minute, 14*day)
	if p.Alarms != nil && !*p.Alarms {
		p.refuseWithoutAlarms(f)
	}
}

// refuseWithoutAlarms names the props that would have no effect: a user who sets them expects alarms.
func (p *ReplayableIngestionProps) refuseWithoutAlarms(f *faults) {
	for _, of := range []struct {
		prop  string
		given bool
	}{
		{"AlarmActions", p.AlarmActions != nil},
		{"OkActions", p.OkActions != nil},
		{"FailureRateThreshold", p.FailureRateThreshold != nil},
		{"QuarantineThreshold", p.QuarantineThreshold != nil},
		{"ReplayAgeThreshold", p.ReplayAgeThreshold != nil},
	} {
		if of.given {
			f.add("%s is of no use with Alarms false: leave one of them out", of.prop)
		}
	}
}

// telemetry is what every function is told beside its own configuration.
func (r *ReplayableIngestion) telemetry(s *settings) map[string]string {
	t := config.Telemetry{Ingestion: *r.uniqueName()}
	if err := t.LogLevel.UnmarshalText([]byte(s.observability.logLevel)); err != nil {
		panic(err) // it was validated
	}
	return t.Env()
}
