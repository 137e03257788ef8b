package ingestion

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// addOutput tells replayctl where everything is. It comes last, when everything is there.
func (r *ReplayableIngestion) addOutput() {
	awscdk.NewCfnOutput(r, jsii.String(config.ManifestOutputID), &awscdk.CfnOutputProps{
		Description: jsii.String("Where the parts of " + r.path() + " are, for replayctl"),
		Value:       jsii.String(r.manifest().Encode()),
	})
}

func (r *ReplayableIngestion) manifest() config.Manifest {
	dashboard := ""
	if r.Dashboard != nil {
		dashboard = *r.Dashboard.DashboardName()
	}
	return config.Manifest{
		Path:               *r.Node().Path(),
		Stack:              *awscdk.Aws_STACK_NAME(),
		Region:             *awscdk.Stack_Of(r).Region(),
		APIURL:             *r.Api.Url(),
		StateMachineARN:    *r.machineARN(),
		SeriesMachineARN:   *r.seriesARN(),
		EventLogBucket:     *r.bucketName(),
		LedgerTable:        *r.tableName(),
		TopicARN:           *r.topicARN(),
		DeadLetterQueueURL: *r.DeadLetterQueue.QueueUrl(),
		OutcomesQueueURL:   *r.OutcomesQueue.QueueUrl(),
		ReplayQueueURL:     *r.replayQueueURL(),
		Functions:          r.functionNames(),
		Schedule:           *r.Schedule.ScheduleName(),
		Rules:              r.ruleNames(),
		Alarms:             r.alarmNames(),
		Dashboard:          dashboard,
	}
}

// functionNames are keyed by the names of the fields, without the word Function.
func (r *ReplayableIngestion) functionNames() map[string]string {
	names := map[string]string{}
	for _, spec := range functions() {
		names[spec.id] = *(*spec.field(r)).FunctionName()
	}
	return names
}

func (r *ReplayableIngestion) ruleNames() map[string]string {
	names := map[string]string{}
	for name, rule := range r.rules {
		names[name] = *rule.RuleName()
	}
	return names
}

// alarmNames are keyed by the names of the fields, without the word Alarm.
func (r *ReplayableIngestion) alarmNames() map[string]string {
	names := map[string]string{}
	for _, alarm := range r.all {
		names[strings.TrimSuffix(*alarm.Node().Id(), "Alarm")] = *alarm.AlarmName()
	}
	return names
}
