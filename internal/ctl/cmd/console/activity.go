package console

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
)

// activityFor is the time that a plot of the activity covers.
const activityFor = 3 * time.Hour

// counted are the metrics of AWS/States that are shown, and what they are called.
var counted = []struct{ metric, name string }{
	{"ExecutionsStarted", "started"}, {"ExecutionsSucceeded", "succeeded"}, {"ExecutionsFailed", "failed"}, {"ExecutionsTimedOut", "timed out"},
}

// activityOf reads what Step Functions counts of the workflow.
func activityOf(t *stack.Target, now func() time.Time) func(context.Context) (console.Activity, error) {
	api := cloudwatch.NewFromConfig(t.AWS)
	return func(ctx context.Context) (a console.Activity, err error) {
		end := now().Truncate(time.Minute)
		in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(end.Add(-activityFor)), EndTime: &end, ScanBy: types.ScanByTimestampAscending}
		for i, c := range counted {
			in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
				Id: aws.String(fmt.Sprintf("m%d", i)), MetricStat: &types.MetricStat{
					Metric: &types.Metric{Namespace: aws.String("AWS/States"), MetricName: aws.String(c.metric), Dimensions: []types.Dimension{
						{Name: aws.String("StateMachineArn"), Value: &t.StateMachineARN},
					}},
					Period: aws.Int32(60), Stat: aws.String("Sum"),
				},
			})
		}
		a.Lines = make([]console.ActivityLine, len(counted))
		for i, c := range counted {
			a.Lines[i].Name = c.name
		}
		pages := cloudwatch.NewGetMetricDataPaginator(api, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return console.Activity{}, fmt.Errorf("read the metrics of the workflow: %w", err)
			}
			for _, r := range page.MetricDataResults {
				i := 0
				if _, err := fmt.Sscanf(aws.ToString(r.Id), "m%d", &i); err != nil || i >= len(counted) {
					continue
				}
				for j := range min(len(r.Timestamps), len(r.Values)) {
					a.Lines[i].Points = append(a.Lines[i].Points, console.ActivityPoint{At: r.Timestamps[j], Value: r.Values[j]})
				}
			}
		}
		for i := range a.Lines {
			a.Lines[i].Points = filled(a.Lines[i].Points, end)
		}
		return a, nil
	}
}

// filled puts 0 where CloudWatch has no point: it keeps none for a minute without an execution.
func filled(points []console.ActivityPoint, end time.Time) (all []console.ActivityPoint) {
	if len(points) == 0 {
		return nil
	}
	known := map[time.Time]float64{}
	for _, p := range points {
		known[p.At.UTC()] = p.Value
	}
	first := slices.MinFunc(points, func(a, b console.ActivityPoint) int { return a.At.Compare(b.At) }).At
	for at := first.UTC(); at.Before(end); at = at.Add(time.Minute) {
		all = append(all, console.ActivityPoint{At: at, Value: known[at]})
	}
	return all
}
