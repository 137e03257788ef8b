package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// addReplay creates the functions that follow executions and start replays.
func (r *ReplayableIngestion) addReplay(s *settings) {
	r.addSeries(s)
	r.TrackerFunction = r.newFunction(tracker, s, s.code.Tracker, config.Tracker{
		LedgerTable:      *r.tableName(),
		StateMachineARN:  *r.machineARN(),
		SeriesMachineARN: *r.seriesARN(),
		ReplayQueueURL:   *r.replayQueueURL(),
	}.Env())
	consume(r.TrackerFunction, r.OutcomesQueue, nil)

	r.AutoReplayFunction = r.newFunction(autoReplayer, s, s.code.AutoReplay, r.autoReplayConfig(s).Env())
	r.addSchedule(s)

	r.ReplayHandlerFunction = r.newFunction(replayHandler, s, s.code.ReplayHandler, config.ReplayHandler{
		EventLogBucket: *r.bucketName(),
		LedgerTable:    *r.tableName(),
		ReplayQueueURL: *r.replayQueueURL(),
	}.Env())
	r.ReplayListenerFunction = r.newFunction(replayListener, s, s.code.ReplayListener, config.ReplayListener{
		EventLogBucket:   *r.bucketName(),
		LedgerTable:      *r.tableName(),
		StateMachineARN:  *r.machineARN(),
		SeriesMachineARN: *r.seriesARN(),
		ReplayQueueURL:   *r.replayQueueURL(),
		TopicARN:         *r.topicARN(),
		ResourceIDPath:   s.resourceIDPath,
		MaxEventBytes:    s.workflow.maxEventBytes(),
		SupersedeOlder:   s.auto.supersedeOlder,
	}.Env())
	consume(r.ReplayListenerFunction, r.ReplayQueue, s.maximumConcurrency)
	r.permitReplay(s)
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
		StartsPerSecond:    s.auto.startsPerSecond,
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
	// its group (EventBridge Scheduler User Guide, "Confused deputy prevention"); nobody else's may use the role.
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
