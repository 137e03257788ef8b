package observe

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithytime "github.com/aws/smithy-go/time"
)

// hiddenAgain is how long Receive waits between two checks for messages in flight.
const hiddenAgain = 500 * time.Millisecond

// Message is a message of a queue, with its string attributes.
type Message struct {
	Body       string
	Attributes map[string]string
	Sent       time.Time // when it was sent to the queue
}

// Receive takes each message of a queue once, until the queue is empty. If the answer to a receive is lost, Receive
// waits until the visibility timeout of its messages ends.
func (s *System) Receive(ctx context.Context, url string, take func(Message) error) error {
	seen := map[string]bool{}
	for {
		out, err := s.Queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if len(out.Messages) == 0 {
			left, err := s.Queued(ctx, url)
			if err != nil || left == 0 {
				return err
			}
			if err := smithytime.SleepWithContext(ctx, hiddenAgain); err != nil {
				return err
			}
			continue
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, len(out.Messages))
		for i, m := range out.Messages {
			if !seen[*m.MessageId] {
				if err := take(message(m)); err != nil {
					return err
				}
			}
			seen[*m.MessageId] = true
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle}
		}
		// Messages that are not deleted become visible again, and are recognized then.
		if _, err := s.Queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
			return fmt.Errorf("delete received: %w", err)
		}
	}
}

func message(m types.Message) Message {
	got := Message{Body: aws.ToString(m.Body), Attributes: map[string]string{}}
	for name, value := range m.MessageAttributes {
		got.Attributes[name] = aws.ToString(value.StringValue)
	}
	var ms int64
	if _, err := fmt.Sscan(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], &ms); err == nil {
		got.Sent = time.UnixMilli(ms)
	}
	return got
}

// Queued counts the messages of a queue, including messages in flight and delayed messages.
func (s *System) Queued(ctx context.Context, url string) (total int, err error) {
	out, err := s.Queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		},
	})
	if err != nil {
		return 0, fmt.Errorf("look into queue %s: %w", url, err)
	}
	for name, v := range out.Attributes {
		n := 0
		if _, err := fmt.Sscan(v, &n); err != nil {
			return 0, fmt.Errorf("look into queue %s: read %s %q: %w", url, name, v, err)
		}
		total += n
	}
	return total, nil
}
