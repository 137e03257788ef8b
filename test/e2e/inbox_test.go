package e2e

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// letter is a message of a queue.
type letter struct {
	body       string
	attributes map[string]string
}

// deliveryTime is how long a message may be under way: a receive whose answer was lost hides it for 30 seconds.
const deliveryTime = 45 * time.Second

// inbox takes messages out of a queue and keeps them for the tests that they are meant for.
type inbox struct {
	queues *sqs.Client
	url    string
	key    func(letter) string

	mu   sync.Mutex
	seen map[string][]letter
}

func newInbox(queues *sqs.Client, url string, key func(letter) string) *inbox {
	return &inbox{queues: queues, url: url, key: key, seen: map[string][]letter{}}
}

// of returns the messages that have come so far for an execution or a listing.
func (b *inbox) of(t *testing.T, key string) []letter {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		out, err := b.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &b.url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return b.seen[key]
		}
		for _, m := range out.Messages {
			l := letter{body: aws.ToString(m.Body), attributes: map[string]string{}}
			for name, a := range m.MessageAttributes {
				l.attributes[name] = aws.ToString(a.StringValue)
			}
			b.seen[b.key(l)] = append(b.seen[b.key(l)], l)
			if _, err := b.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &b.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// some returns the messages for a key once there are n of them, or what there is after deliveryTime. SNS may take a
// moment to deliver after the execution has ended.
func (b *inbox) some(t *testing.T, n int, key string) []letter {
	t.Helper()
	got := b.of(t, key)
	for deadline := time.Now().Add(deliveryTime); len(got) < n && time.Now().Before(deadline); got = b.of(t, key) {
		time.Sleep(200 * time.Millisecond)
	}
	return got
}

// one returns the only message for a key.
func (b *inbox) one(t *testing.T, key string) letter {
	t.Helper()
	got := b.some(t, 1, key)
	if len(got) != 1 {
		t.Fatalf("%s: got %d messages, want 1", key, len(got))
	}
	return got[0]
}

// none makes sure that there is no message for a key.
func (b *inbox) none(t *testing.T, key string) {
	t.Helper()
	if got := b.of(t, key); len(got) != 0 {
		t.Errorf("%s: got %d messages, want none", key, len(got))
	}
}

// send puts messages into a queue by hand.
func (y *system) send(t *testing.T, url string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if _, err := y.Queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting counts the messages of a queue, those in flight included.
func (y *system) waiting(t *testing.T, url string) int {
	t.Helper()
	n, err := y.Queued(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (y *system) attributes(t *testing.T, url string, names ...types.QueueAttributeName) map[string]string {
	t.Helper()
	out, err := y.Queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
}

// decoded reads a JSON document for comparisons.
func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("not a JSON object: %v: %s", err, text)
	}
	return doc
}
