package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func (e *exam) topic(ctx context.Context, v *verdict) {
	out, err := e.topics.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &e.at.TopicARN})
	if err != nil {
		e.cannot(v, "topic "+e.at.TopicARN, "sns:GetTopicAttributes", err)
		return
	}
	if n := orZero(out.Attributes["SubscriptionsConfirmed"]); n == "0" {
		v.warns("subscribe what is to get the outputs", "it has no subscriptions")
	} else {
		v.says("%s subscriptions", n)
	}
	if key := out.Attributes["KmsMasterKeyId"]; key != "" {
		v.says("encrypted with %s", key)
		e.usesKey(&key)
	}
}

// alarmState is what counts of an alarm, whether of a metric or composite.
type alarmState struct {
	state, reason string
	actions       bool
}

// alarms looks at those that the manifest names, and at whether any of them has an action.
func (e *exam) alarms(ctx context.Context) (found []Finding) {
	if len(e.at.Alarms) == 0 {
		return []Finding{{Check: "alarm", Status: Skipped, Detail: "the ingestion has no alarms"}}
	}
	names := slices.Sorted(maps.Values(e.at.Alarms))
	known, err := e.alarmStates(ctx, names)
	told := false
	for _, id := range slices.Sorted(maps.Keys(e.at.Alarms)) {
		v := &verdict{}
		name := e.at.Alarms[id]
		a, there := known[name]
		switch {
		case err != nil:
			e.cannot(v, "alarm "+name, "cloudwatch:DescribeAlarms", err)
		case !there:
			v.fails("was it removed outside of CloudFormation? deploy the stack again", "alarm %s is not there", name)
		case a.state == string(cwtypes.StateValueAlarm):
			v.fails("its runbook is docs/operations.md#"+strings.ToLower(id)+"alarm", "it is in alarm: %s", a.reason)
		case a.state == string(cwtypes.StateValueInsufficientData):
			v.says("no data yet")
		default:
			v.says("quiet")
		}
		told = told || a.actions
		found = append(found, v.finding("alarm."+id))
	}
	v := &verdict{}
	switch {
	case err != nil:
		e.cannot(v, "the alarms' actions", "cloudwatch:DescribeAlarms", err)
	case told:
		v.says("alarms have actions")
	default:
		v.warns("give them an action, such as a topic that your on-call tool subscribes to", "no alarm has an action")
	}
	return append(found, v.finding("alarm.actions"))
}

func (e *exam) alarmStates(ctx context.Context, names []string) (map[string]alarmState, error) {
	known := map[string]alarmState{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(e.metrics, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: names, AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			known[aws.ToString(a.AlarmName)] = alarmState{string(a.StateValue), aws.ToString(a.StateReason), aws.ToBool(a.ActionsEnabled) && len(a.AlarmActions) > 0}
		}
		for _, a := range page.CompositeAlarms {
			known[aws.ToString(a.AlarmName)] = alarmState{string(a.StateValue), aws.ToString(a.StateReason), aws.ToBool(a.ActionsEnabled) && len(a.AlarmActions) > 0}
		}
	}
	return known, nil
}

// keyChecks look at the keys that something is encrypted with. With a key that is off, nothing can be read.
func (e *exam) keyChecks() (all []check) {
	if e.at.StateMachineARN == "" {
		return nil
	}
	if len(e.keysUsed) == 0 {
		return []check{one("key", func(_ context.Context, v *verdict) { v.add(Skipped, "", "no key of yours is used") })}
	}
	for _, id := range slices.Sorted(maps.Keys(e.keysUsed)) {
		all = append(all, one("key."+id[strings.LastIndex(id, "/")+1:], func(ctx context.Context, v *verdict) { e.key(ctx, v, id) }))
	}
	return all
}

func (e *exam) key(ctx context.Context, v *verdict, id string) {
	out, err := e.keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		e.cannot(v, "key "+id, "kms:DescribeKey", err)
		return
	}
	switch state := out.KeyMetadata.KeyState; state {
	case kmstypes.KeyStateEnabled:
		v.says("enabled")
	case kmstypes.KeyStatePendingDeletion:
		v.fails("now: `aws kms cancel-key-deletion --key-id "+id+"`, then `aws kms enable-key --key-id "+id+"`",
			"it is to be deleted, and with it everything that it encrypts")
	default:
		v.fails("`aws kms enable-key --key-id "+id+"`", "it is %s: what it encrypts cannot be read", strings.ToLower(string(state)))
	}
}
