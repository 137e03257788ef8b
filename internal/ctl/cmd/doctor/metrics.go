package doctor

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// series is a metric of one thing.
type series struct{ namespace, metric, dimension, value string }

func lambdaMetric(metric, function string) series {
	return series{"AWS/Lambda", metric, "FunctionName", function}
}

func queueMetric(metric, url string) series {
	return series{"AWS/SQS", metric, "QueueName", url[strings.LastIndex(url, "/")+1:]}
}

// Ways to make one number of a window.
const (
	sum    = types.StatisticSum
	latest = types.StatisticMaximum // of the newest point
)

// metric reads a number, and whether there is any. Points that a service has not sent are not there.
func (e *exam) metric(
	ctx context.Context, s series, window time.Duration, how types.Statistic,
) (n float64, seen bool, err error) {
	now := time.Now()
	if e.Clock != nil && e.Clock.Now != nil {
		now = e.Clock.Now()
	}
	out, err := e.metrics.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: &s.namespace, MetricName: &s.metric, Dimensions: []types.Dimension{{Name: &s.dimension, Value: &s.value}},
		StartTime: aws.Time(now.Add(-window)), EndTime: &now, Period: aws.Int32(60), Statistics: []types.Statistic{how},
	})
	if err != nil {
		return 0, false, err
	}
	var at time.Time
	for _, p := range out.Datapoints {
		seen = true
		if how == sum {
			n += aws.ToFloat64(p.Sum)
		} else if !aws.ToTime(p.Timestamp).Before(at) {
			at, n = aws.ToTime(p.Timestamp), aws.ToFloat64(p.Maximum)
		}
	}
	return n, seen, nil
}
