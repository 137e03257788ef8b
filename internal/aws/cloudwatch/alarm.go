// Package cloudwatch asks CloudWatch how an alarm stands.
package cloudwatch

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// API is the part of the CloudWatch client that an alarm uses.
type API interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// Alarm is one metric alarm.
type Alarm struct {
	api  API
	name string
}

// New returns the alarm with a name.
func New(api API, name string) *Alarm {
	return &Alarm{api: api, name: name}
}

// InAlarm reports whether the alarm is in ALARM; OK and INSUFFICIENT_DATA are not. An alarm that is not there is an
// error: the state is unknown.
func (a *Alarm) InAlarm(ctx context.Context) (bool, error) {
	out, err := a.api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{a.name}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm},
	})
	if err != nil {
		return false, fmt.Errorf("describe alarm %s: %w", a.name, err)
	}
	if len(out.MetricAlarms) == 0 {
		return false, fmt.Errorf("there is no metric alarm %s", a.name)
	}
	return out.MetricAlarms[0].StateValue == types.StateValueAlarm, nil
}
