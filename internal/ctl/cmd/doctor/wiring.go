package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// statusRule is a rule that sends the ends of executions to a queue.
type statusRule struct {
	name     string // in the manifest
	queue    string
	statuses []string
	loses    string // what is late without it: auto-replay finds it again, by listing executions
}

// statusRules are those of the manifest: earlier versions had no rules of their own for events without an error.
func (e *exam) statusRules() (rules []statusRule) {
	failed, ended := []string{"FAILED", "TIMED_OUT"}, []string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
	for _, r := range []statusRule{
		{"Failure", e.at.DeadLetterQueueURL, failed, "failures are found late"},
		{"FailureWithoutError", e.at.DeadLetterQueueURL, failed, "failures without an error are found late"},
		{"Outcome", e.at.OutcomesQueueURL, ended, "ends are found late"},
		{"OutcomeWithoutError", e.at.OutcomesQueueURL, ended, "ends without an error, such as successes, are found late"},
	} {
		if _, ok := e.at.Rules[r.name]; ok {
			rules = append(rules, r)
		}
	}
	return rules
}

func (e *exam) ruleChecks() (all []check) {
	for _, r := range e.statusRules() {
		all = append(all, one("rule."+r.name, func(ctx context.Context, v *verdict) { e.rule(ctx, v, r) }))
	}
	return all
}

func (e *exam) rule(ctx context.Context, v *verdict, r statusRule) {
	name := e.at.Rules[r.name]
	rule, err := e.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
	if err != nil {
		e.cannot(v, "rule "+name, "events:DescribeRule", err)
		return
	}
	if rule.State == ebtypes.RuleStateDisabled {
		v.fails("switch it on: `aws events enable-rule --name "+name+"`", "it is disabled: %s", r.loses)
	} else {
		v.says("enabled")
	}
	if !matches(aws.ToString(rule.EventPattern), e.at.StateMachineARN, r.statuses) {
		v.fails("was it edited by hand? deploy the stack again", "its pattern does not match the ends of the state machine: %s", r.loses)
	}
	targets, err := e.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &name})
	if err != nil {
		e.cannot(v, "its targets", "events:ListTargetsByRule", err)
		return
	}
	queue := e.queueARN(r.queue)
	if slices.ContainsFunc(targets.Targets, func(t ebtypes.Target) bool { return aws.ToString(t.Arn) == queue }) {
		v.says("sends to %s", queue)
		return
	}
	v.fails("`aws cloudformation detect-stack-drift --stack-name "+e.at.Stack+"` finds what else was changed", "it does not send to %s", queue)
}

// matches reports whether an event pattern takes every given status of a state machine.
func matches(pattern, machine string, statuses []string) bool {
	var p struct {
		Source []string
		Detail struct {
			StateMachineARN []string `json:"stateMachineArn"`
			Status          []string
		}
	}
	if json.Unmarshal([]byte(pattern), &p) != nil || !slices.Contains(p.Source, "aws.states") || !slices.Contains(p.Detail.StateMachineARN, machine) {
		return false
	}
	return !slices.ContainsFunc(statuses, func(s string) bool { return !slices.Contains(p.Detail.Status, s) })
}

func (e *exam) schedule(ctx context.Context, v *verdict) {
	s, err := e.schedules.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &e.at.Schedule})
	if err != nil {
		e.cannot(v, "schedule "+e.at.Schedule, "scheduler:GetSchedule", err)
		return
	}
	if s.State == schedulertypes.ScheduleStateDisabled {
		v.fails("switch schedule "+e.at.Schedule+" on in the console of EventBridge Scheduler: an update with the API must repeat every setting",
			"it is disabled: nothing is replayed automatically, and lost ends are not found")
	} else {
		v.says("enabled, %s", aws.ToString(s.ScheduleExpression))
	}
	function := e.at.Functions["AutoReplay"]
	if s.Target == nil || !strings.HasSuffix(aws.ToString(s.Target.Arn), ":function:"+function) {
		v.fails("was it edited by hand? deploy the stack again", "it does not call function %s", function)
	}
}

// rate is the expression of the construct's schedule.
var rate = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`)

const defaultInterval = 5 * time.Minute

// interval is how often auto-replay runs; the default one if that cannot be read.
func (e *exam) interval(ctx context.Context) time.Duration {
	s, err := e.schedules.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &e.at.Schedule})
	if err != nil {
		return defaultInterval
	}
	m := rate.FindStringSubmatch(aws.ToString(s.ScheduleExpression))
	if m == nil {
		return defaultInterval
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		return defaultInterval
	}
	return time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
}

// runs says whether auto-replay has run of late, and how that went.
func (e *exam) runs(ctx context.Context, v *verdict) {
	function := e.at.Functions["AutoReplay"]
	window := max(3*e.interval(ctx), 15*time.Minute)
	calls, seen, err := e.metric(ctx, lambdaMetric("Invocations", function), window, sum)
	if err != nil {
		e.cannot(v, "whether it ran", "cloudwatch:GetMetricStatistics", err)
		return
	}
	if !seen || calls == 0 {
		v.warns("is it enabled, and was it deployed just now? look into the log of function "+function, "auto-replay has not run for %s", shortly(window))
		return
	}
	v.says("auto-replay ran %.0f times in the last %s", calls, shortly(window))
	failed, _, err := e.metric(ctx, lambdaMetric("Errors", function), window, sum)
	switch {
	case err != nil:
		e.cannot(v, "how it went", "cloudwatch:GetMetricStatistics", err)
	case failed > 0:
		v.warns("look into the log of function "+function, "%.0f of them failed", failed)
	}
}

// shortly shows a round time without its zeros.
func shortly(d time.Duration) string {
	text := d.Round(time.Second).String()
	for _, zeros := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zeros) {
			text = strings.TrimSuffix(text, zeros[1:])
		}
	}
	return fmt.Sprint(text)
}
