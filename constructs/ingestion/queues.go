package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

const (
	retentionDays = 14 // the longest that SQS keeps a message
	batchSize     = 10 // messages per invocation; the most that works without a batching window

	// A throttled start is not poison: the message comes back and counts a receive. The listener's visibility timeout
	// times these receives is 20 hours of throttling, well inside the retention.
	replayReceives = 100
	// The tracker fails only when the ledger does. 50 receives are 2.5 hours of that.
	outcomeReceives = 50

	// Lambda asks for at least six times the function's timeout, so that throttled batches are not delivered twice.
	visibilityFactor = 6
)

func (r *ReplayableIngestion) addQueues(s *settings) {
	r.DeadLetterQueue = r.newQueue("DeadLetterQueue", s, &awssqs.QueueProps{})
	r.OutcomesQueue = r.newQueue("OutcomesQueue", s, &awssqs.QueueProps{
		VisibilityTimeout: visibility(&tracker),
		DeadLetterQueue:   r.deadLettersAfter(outcomeReceives),
	})
	r.ReplayQueue = r.newQueue("ReplayQueue", s, &awssqs.QueueProps{
		VisibilityTimeout: visibility(&replayListener),
		DeadLetterQueue:   r.deadLettersAfter(replayReceives),
	})
}

// newQueue completes props, which are ours and not a caller's.
func (r *ReplayableIngestion) newQueue(id string, s *settings, props *awssqs.QueueProps) awssqs.Queue {
	props.RetentionPeriod = awscdk.Duration_Days(jsii.Number(retentionDays))
	props.Encryption = awssqs.QueueEncryption_SQS_MANAGED
	if s.encryptionKey != nil {
		props.Encryption, props.EncryptionMasterKey = awssqs.QueueEncryption_KMS, s.encryptionKey
	}
	props.EnforceSSL = jsii.Bool(true)
	return awssqs.NewQueue(r, jsii.String(id), props)
}

// deadLettersAfter moves a message to the dead-letter queue after so many receives.
func (r *ReplayableIngestion) deadLettersAfter(receives float64) *awssqs.DeadLetterQueue {
	return &awssqs.DeadLetterQueue{Queue: r.DeadLetterQueue, MaxReceiveCount: jsii.Number(receives)}
}

func visibility(consumer *functionSpec) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(visibilityFactor * consumer.timeoutSeconds))
}

// consume feeds a queue to a function. Messages that fail come back alone. The mapping is made by hand, under the id
// that CDK's SqsEventSource gives it, because that would allow more: to look the queue up, to hide messages for longer,
// and the queue's key for anything.
func consume(fn awslambda.Function, queue awssqs.Queue, maximumConcurrency *float64) {
	id := "SqsEventSource:" + *awscdk.Names_NodeUniqueId(queue.Node())
	fn.AddEventSourceMapping(jsii.String(id), &awslambda.EventSourceMappingOptions{
		EventSourceArn:          queue.QueueArn(),
		BatchSize:               jsii.Number(batchSize),
		ReportBatchItemFailures: jsii.Bool(true),
		MaxConcurrency:          maximumConcurrency,
	})
	// Lambda polls with the function's role (AWS Lambda Developer Guide, "Creating and configuring an Amazon SQS event
	// source mapping").
	allow(fn, queue.QueueArn(), "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
}
