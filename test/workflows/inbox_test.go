package workflows_test

import (
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// letter is a published message.
type letter struct {
	body       string
	attributes map[string]string
}

// inbox takes everything that is published out of the queues and keeps it by execution, for tests side by side.
type inbox struct {
	queues *sqs.Client
	urls   []string

	mu   sync.Mutex
	seen map[string][]letter
}

// of returns what has been published for an execution. A message is in its queue when Publish has ended.
func (b *inbox) of(t *testing.T, execution string) []letter {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, url := range b.urls {
		for b.take(t, url) > 0 {
		}
	}
	return b.seen[execution]
}

func (b *inbox) take(t *testing.T, url string) int {
	t.Helper()
	out, err := b.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Messages {
		l := letter{body: aws.ToString(m.Body), attributes: map[string]string{}}
		for name, a := range m.MessageAttributes {
			l.attributes[name] = aws.ToString(a.StringValue)
		}
		execution := l.attributes["execution"]
		b.seen[execution] = append(b.seen[execution], l)
		if _, err := b.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	return len(out.Messages)
}
