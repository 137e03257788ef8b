package smoke

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// functionsMetrics checks whether CloudWatch extracts metrics from the functions' log lines, with the dimension of a
// deployed alarm.
func functionsMetrics(ctx context.Context, e *env) (string, error) {
	client := cloudwatch.NewFromConfig(e.AWSConfig)
	dimensions, err := e.dimensions(ctx, client)
	if err != nil {
		return "", err
	}
	since := time.Now().Add(-time.Minute)
	id, owner := e.resource("metrics")
	if _, err := e.ingest(ctx, listing(id, owner, nil), sfntypes.ExecutionStatusSucceeded); err != nil {
		return "", err
	}
	for _, metric := range []schema.Metric{schema.Recorded, schema.Published} {
		err := eventually(ctx, "CloudWatch has "+metric.Name, func() (bool, error) {
			out, err := client.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
				Namespace: aws.String(schema.MetricNamespace), MetricName: aws.String(metric.Name), Dimensions: dimensions,
				StartTime: &since, EndTime: aws.Time(time.Now().Add(time.Minute)), Period: aws.Int32(60),
				Statistics: []types.Statistic{types.StatisticSum},
			})
			if err != nil {
				return false, err
			}
			sum := 0.0
			for _, p := range out.Datapoints {
				sum += aws.ToFloat64(p.Sum)
			}
			return sum >= 1, smithytime.SleepWithContext(ctx, 5*time.Second)
		})
		if err != nil {
			return "", err
		}
	}
	return "Recorded and Published arrived with dimension " + aws.ToString(dimensions[0].Value), nil
}

// dimensions are those of a deployed alarm on a metric of the functions.
func (e *env) dimensions(ctx context.Context, client *cloudwatch.Client) ([]types.Dimension, error) {
	name := e.ingestion.Alarms["Unaccounted"]
	if name == "" {
		return nil, errors.New("the stack's outputs name no alarm on what is unaccounted for")
	}
	out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	if err != nil {
		return nil, fmt.Errorf("describe alarm: %w", err)
	}
	if len(out.MetricAlarms) != 1 || len(out.MetricAlarms[0].Dimensions) != 1 {
		return nil, fmt.Errorf("alarm %s is not deployed, or has not one dimension", name)
	}
	return out.MetricAlarms[0].Dimensions, nil
}
