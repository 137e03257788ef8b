package sqs

import (
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// TriedFor is how long ago a message that Lambda delivers was received for the first time: since when it has been
// tried. Where it has waited before, or was held back on purpose, does not count. It is 0 if SQS does not say.
func TriedFor(m events.SQSMessage, now time.Time) time.Duration {
	first, err := strconv.ParseInt(m.Attributes["ApproximateFirstReceiveTimestamp"], 10, 64)
	if err != nil {
		return 0
	}
	return max(now.Sub(time.UnixMilli(first)), 0)
}
