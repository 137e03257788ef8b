package console

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
)

// build makes the console of the ingestion that is meant.
func build(ctx context.Context, f *factory.Factory, o options, payloads console.Payloads) (*console.Console, error) {
	api, err := f.Client(ctx)
	if err != nil {
		return nil, err
	}
	t, err := f.Find(ctx)
	if err != nil {
		return nil, err
	}
	options := console.Options{
		Client: api, Stage: stageOf(t), Ingestion: t.Path, Account: accountOf(ctx, t), Region: t.Region,
		Production: o.production || console.IsProduction(t.Stack), ReadOnly: o.readOnly, Payloads: payloads,
		Transforms: t.Transforms, Now: f.Process.Now, Zone: f.Process.Zone, Command: f.Hint,
		ExecutionURL: func(name string) string { return f.ConsoleURL(f.ExecutionARN(name)) },
	}
	if len(t.Alarms) > 0 && !f.IsLocal() { // the emulator's answer cannot be read
		options.Alarms = alarmsOf(t)
	}
	if t.StateMachineARN != "" && !f.IsLocal() { // the emulator counts nothing
		options.Activity = activityOf(t, f.Process.Now)
	}
	return console.New(options), nil
}

// stageOf is the name of the stack, or the host of the API where only that is known.
func stageOf(t *stack.Target) string {
	if t.Stack != "" {
		return t.Stack
	}
	if u, err := url.Parse(t.APIURL); err == nil {
		return u.Host
	}
	return ""
}

// accountOf is the account of the ingestion; empty if nothing tells it.
func accountOf(ctx context.Context, t *stack.Target) string {
	if a, err := arn.Parse(t.StateMachineARN); err == nil {
		return a.AccountID
	}
	if t.AWS.Credentials == nil {
		return ""
	}
	creds, err := t.AWS.Credentials.Retrieve(ctx)
	if err != nil {
		return ""
	}
	return creds.AccountID
}

// alarmsOf reads the ingestion's alarms, those that ring first.
func alarmsOf(t *stack.Target) func(context.Context) ([]console.Alarm, error) {
	var names []string
	for _, name := range t.Alarms {
		names = append(names, name)
	}
	slices.Sort(names)
	api := cloudwatch.NewFromConfig(t.AWS)
	return func(ctx context.Context) (all []console.Alarm, err error) {
		for part := range slices.Chunk(names, 100) {
			out, err := api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
				AlarmNames: part, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
			})
			if err != nil {
				return nil, fmt.Errorf("read the alarms: %w", err)
			}
			for _, a := range out.MetricAlarms {
				all = append(all, console.Alarm{
					Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Reason: aws.ToString(a.AlarmDescription),
					Since: aws.ToTime(a.StateTransitionedTimestamp),
				})
			}
		}
		slices.SortFunc(all, func(a, b console.Alarm) int {
			return cmp.Or(cmp.Compare(urgency(a.State), urgency(b.State)), strings.Compare(a.Name, b.Name))
		})
		return all, nil
	}
}

func urgency(state string) int {
	return slices.Index([]string{"ALARM", "INSUFFICIENT_DATA", "OK"}, state)
}
