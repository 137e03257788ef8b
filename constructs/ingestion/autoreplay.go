package ingestion

import (
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// autoReplayer runs on the schedule.
var autoReplayer = functionSpec{
	id: "AutoReplay", dir: "lambdas/autoreplay", memoryMB: 512, timeoutSeconds: 300,
	description: "Reconciles executions and decides which failures are replayed",
	code:        func(c *FunctionCode) *awslambda.Code { return &c.AutoReplay },
	field:       func(r *ReplayableIngestion) *awslambda.Function { return &r.AutoReplayFunction },
	environment: func(r *ReplayableIngestion, s *settings) map[string]string { return r.autoReplayConfig(s).Env() },
	needs: slices.Concat(
		readEvents(theNewest, byID),
		objects(schema.UnrecordedPrefix, "s3:PutObject"),
		objects(schema.OutputsPrefix, "s3:GetObject"), // whether it is there, nothing else
		// It deletes its lease, and nothing else.
		rows("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
		queries(schema.ByResource, schema.ByTime, schema.ByGroup),
		executions(ingestionMachine, "states:DescribeExecution", "states:GetExecutionHistory"),
		onMachine((*ReplayableIngestion).machineARN, "states:ListExecutions"),
		[]need{{resource: pauseAlarmARN, actions: []string{"cloudwatch:DescribeAlarms"}}},
		executions(seriesMachine, "states:DescribeExecution"),
		[]need{{resource: deadLetterQueueARN, actions: []string{"sqs:ReceiveMessage", "sqs:DeleteMessage"}, via: "sqs"}},
		sendsReplays(),
	),
}

func deadLetterQueueARN(r *ReplayableIngestion, _ *settings) *string {
	return r.DeadLetterQueue.QueueArn()
}

// pauseAlarmARN is nil without a PauseAlarm.
func pauseAlarmARN(_ *ReplayableIngestion, s *settings) *string {
	if s.auto.pauseAlarm == nil {
		return nil
	}
	return s.auto.pauseAlarm.AlarmArn()
}

// autoReplay are the settings of automatic replays.
type autoReplay struct {
	enabled         bool
	interval        awscdk.Duration
	retryOn         []string
	doNotRetryOn    []string
	maxAttempts     int
	backoffBase     time.Duration
	backoffRate     float64
	maxBackoff      time.Duration
	maxAge          time.Duration
	settleAfter     time.Duration
	supersedeOlder  bool
	closeSuperseded bool

	canaryThreshold  int
	unaccountedAfter time.Duration
	pauseAlarm       awscloudwatch.IAlarm // nil: none
}

func (p *ReplayableIngestionProps) resolveAutoReplay() autoReplay {
	a := autoReplay{
		enabled:         or(p.AutoReplay, true),
		interval:        p.AutoReplayInterval,
		retryOn:         append(domain.DefaultRetryOn(), texts(p.RetryOn)...),
		doNotRetryOn:    texts(p.DoNotRetryOn),
		maxAttempts:     int(or(p.MaxAttempts, 5)),
		backoffBase:     orDuration(p.BackoffBase, time.Minute),
		backoffRate:     or(p.BackoffRate, 2),
		maxAge:          orDuration(p.MaxAge, 3*day),
		supersedeOlder:  or(p.SupersedeOlder, true),
		closeSuperseded: or(p.CloseSuperseded, false),

		canaryThreshold: int(or(p.CanaryThreshold, 10)),
		pauseAlarm:      p.PauseAlarm,
	}
	a.maxBackoff = orDuration(p.MaxBackoff, max(time.Hour, a.backoffBase))
	if a.interval == nil {
		a.interval = awscdk.Duration_Minutes(jsii.Number(5))
	}
	a.settleAfter = orDuration(p.SettleAfter, goDuration(a.interval))
	a.unaccountedAfter = orDuration(p.UnaccountedAfter, max(time.Hour, a.settleAfter))
	return a
}

func (p *ReplayableIngestionProps) validateAutoReplay(f *faults) {
	f.known("AutoReplayInterval", p.AutoReplayInterval)
	f.duration("AutoReplayInterval", p.AutoReplayInterval, time.Minute, time.Hour)
	if d := p.AutoReplayInterval; d != nil && !*d.IsUnresolved() && goDuration(d)%time.Minute != 0 {
		f.add("AutoReplayInterval must be in whole minutes, got %s", goDuration(d))
	}
	f.globs("RetryOn", p.RetryOn)
	f.globs("DoNotRetryOn", p.DoNotRetryOn)
	f.knownNumber("MaxAttempts", p.MaxAttempts)
	f.number("MaxAttempts", p.MaxAttempts, 1, domain.MaxAttempts, whole)
	f.knownNumber("BackoffRate", p.BackoffRate)
	f.number("BackoffRate", p.BackoffRate, 1, 10, fractional)

	f.known("BackoffBase", p.BackoffBase)
	f.duration("BackoffBase", p.BackoffBase, time.Second, 12*time.Hour)
	f.known("MaxBackoff", p.MaxBackoff)
	f.duration("MaxBackoff", p.MaxBackoff, time.Second, day)
	if base, most := p.BackoffBase, p.MaxBackoff; base != nil && most != nil &&
		!*base.IsUnresolved() && !*most.IsUnresolved() && goDuration(most) < goDuration(base) {
		f.add("MaxBackoff must be BackoffBase (%s) or more, got %s", goDuration(base), goDuration(most))
	}
	f.known("MaxAge", p.MaxAge)
	f.duration("MaxAge", p.MaxAge, time.Minute, 14*day)
	f.known("SettleAfter", p.SettleAfter)
	f.duration("SettleAfter", p.SettleAfter, time.Minute, day)
	f.known("UnaccountedAfter", p.UnaccountedAfter)
	f.duration("UnaccountedAfter", p.UnaccountedAfter, time.Minute, 14*day)
	if after, settle := p.UnaccountedAfter, p.SettleAfter; after != nil && settle != nil && !*after.IsUnresolved() &&
		!*settle.IsUnresolved() && goDuration(after) < goDuration(settle) {
		f.add("UnaccountedAfter must be SettleAfter (%s) or more, got %s", goDuration(settle), goDuration(after))
	}
	if or(p.CloseSuperseded, false) && !or(p.SupersedeOlder, true) {
		f.add("CloseSuperseded needs SupersedeOlder: without it, no event takes over from an older one: leave one of them out")
	}
	f.metricAlarm("PauseAlarm", p.PauseAlarm)
	f.knownNumber("CanaryThreshold", p.CanaryThreshold)
	f.number("CanaryThreshold", p.CanaryThreshold, 1, 10_000, whole)
}

func (r *ReplayableIngestion) autoReplayConfig(s *settings) config.AutoReplay {
	c := config.AutoReplay{
		Enabled:            s.auto.enabled,
		EventLogBucket:     *r.bucketName(),
		LedgerTable:        *r.tableName(),
		StateMachineARN:    *r.machineARN(),
		SeriesMachineARN:   *r.seriesARN(),
		DeadLetterQueueURL: *r.DeadLetterQueue.QueueUrl(),
		ReplayQueueURL:     *r.replayQueueURL(),
		ResourceIDPath:     s.resourceIDPath,
		OwnerIDPath:        s.ownerIDPath,
		SupersedeOlder:     s.auto.supersedeOlder,
		CloseSuperseded:    s.auto.closeSuperseded,
		RetryOn:            s.auto.retryOn,
		DoNotRetryOn:       s.auto.doNotRetryOn,
		MaxAttempts:        s.auto.maxAttempts,
		BackoffBase:        s.auto.backoffBase,
		BackoffRate:        s.auto.backoffRate,
		MaxBackoff:         s.auto.maxBackoff,
		MaxAge:             s.auto.maxAge,
		SettleAfter:        s.auto.settleAfter,
		UnaccountedAfter:   s.auto.unaccountedAfter,
		Interval:           goDuration(s.auto.interval),
		CanaryThreshold:    s.auto.canaryThreshold,
		StartsPerSecond:    s.pace.startsPerSecond,
	}
	if s.auto.pauseAlarm != nil {
		c.PauseAlarm = *s.auto.pauseAlarm.AlarmName()
	}
	return c
}

// addSchedule runs the function and does not repeat a run that failed: the next one is minutes away, and does all
// the work that there is. Scheduler calls the function asynchronously, so Lambda must not repeat it either.
func (r *ReplayableIngestion) addSchedule(s *settings) {
	r.AutoReplayFunction.ConfigureAsyncInvoke(&awslambda.EventInvokeConfigOptions{
		RetryAttempts: jsii.Number(0),
		MaxEventAge:   awscdk.Duration_Minutes(jsii.Number(1)),
	})
	// CDK would create the role in the stack, out of reach of this construct's tags and aspects. A schedule speaks as
	// its group (Scheduler User Guide, "Confused deputy prevention in EventBridge Scheduler"); no other one may use the
	// role.
	role := awsiam.NewRole(r, jsii.String("ScheduleRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{
				"StringEquals": map[string]any{
					"aws:SourceAccount": awscdk.Stack_Of(r).Account(),
					"aws:SourceArn": awscdk.Stack_Of(r).FormatArn(&awscdk.ArnComponents{
						Service: jsii.String("scheduler"), Resource: jsii.String("schedule-group"), ResourceName: jsii.String("default"),
					}),
				},
			},
		}),
	})
	r.Schedule = awsscheduler.NewSchedule(r, jsii.String("Schedule"), &awsscheduler.ScheduleProps{
		Description: jsii.String("Reconciles executions and replays failures of " + r.path()),
		Schedule:    awsscheduler.ScheduleExpression_Rate(s.auto.interval),
		Target: awsschedulertargets.NewLambdaInvoke(r.AutoReplayFunction, &awsschedulertargets.ScheduleTargetBaseProps{
			Input:         awsscheduler.ScheduleTargetInput_FromObject(map[string]any{}), // autoreplay.Request
			Role:          role,
			RetryAttempts: jsii.Number(0),
			MaxEventAge:   awscdk.Duration_Minutes(jsii.Number(1)),
		}),
	})
}
