package awstest

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS's clients check it
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
)

// Queues is SQS.
type Queues []*Queue

func (q Queues) at(url *string) (*Queue, error) {
	i := slices.IndexFunc(q, func(one *Queue) bool { return one.URL == aws.ToString(url) })
	if i < 0 {
		return nil, &types.QueueDoesNotExist{Message: url}
	}
	return q[i], nil
}

// SendMessageBatch is SQS's.
func (q Queues) SendMessageBatch(_ context.Context, in *awssqs.SendMessageBatchInput, _ ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	one, err := q.at(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	out := &awssqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		id := one.put(sqs.Post{Body: *e.MessageBody, Delay: time.Duration(e.DelaySeconds) * time.Second})
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{
			Id: e.Id, MessageId: &id, MD5OfMessageBody: checksum(*e.MessageBody),
		})
	}
	return out, nil
}

// ReceiveMessage is SQS's.
func (q Queues) ReceiveMessage(_ context.Context, in *awssqs.ReceiveMessageInput, _ ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	one, err := q.at(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	out := &awssqs.ReceiveMessageOutput{}
	for _, m := range one.take(int(in.MaxNumberOfMessages)) {
		one.hidden = append(one.hidden, m)
		out.Messages = append(out.Messages, types.Message{
			MessageId: &m.ID, Body: &m.Body, ReceiptHandle: &m.ID, MD5OfBody: checksum(m.Body),
		})
	}
	return out, nil
}

// DeleteMessage is SQS's.
func (q Queues) DeleteMessage(_ context.Context, in *awssqs.DeleteMessageInput, _ ...func(*awssqs.Options)) (*awssqs.DeleteMessageOutput, error) {
	one, err := q.at(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	same := func(m Message) bool { return m.ID == *in.ReceiptHandle }
	if at := slices.IndexFunc(one.hidden, same); at >= 0 {
		one.hidden = slices.Delete(one.hidden, at, at+1)
	} else { // the message was made visible again
		one.messages = slices.DeleteFunc(one.messages, same)
	}
	return &awssqs.DeleteMessageOutput{}, nil
}

// Queue is a queue. A received message stays in it until it is deleted, and becomes visible again when a test says so.
type Queue struct {
	URL    string
	Now    func() time.Time // nil: delayed messages are visible at once
	Delays []time.Duration  // of sent messages
	OnPost func(sqs.Post)   // may be nil

	mu       sync.Mutex
	messages []Message
	hidden   []Message // received and not deleted
	sent     int
}

// Message is a message of a queue. Its id is also its receipt handle.
type Message struct {
	ID   string
	Body string
	due  time.Time
}

func checksum(body string) *string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // the client checks it
	return aws.String(hex.EncodeToString(sum[:]))
}

func (q *Queue) put(p sqs.Post) (id string) {
	q.sent++
	m := Message{ID: fmt.Sprint("message-", q.sent), Body: p.Body}
	if q.Now != nil && p.Delay > 0 {
		m.due = q.Now().Add(p.Delay)
	}
	q.messages, q.Delays = append(q.messages, m), append(q.Delays, p.Delay)
	if q.OnPost != nil {
		q.OnPost(p)
	}
	return m.ID
}

// Put puts messages into the queue without an SDK client, as an AWS service does.
func (q *Queue) Put(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, b := range bodies {
		q.put(sqs.Post{Body: b})
	}
}

// take takes up to n due messages out of the queue.
func (q *Queue) take(n int) (taken []Message) {
	var now time.Time
	if q.Now != nil {
		now = q.Now()
	}
	due := func(m Message) bool { return m.due.IsZero() || !m.due.After(now) }
	k := 0
	for k < min(n, len(q.messages)) && due(q.messages[k]) {
		k++
	}
	taken, q.messages = q.messages[:k:k], q.messages[k:]
	if k < n && len(q.messages) > 0 { // the first remaining message is delayed
		q.messages = slices.DeleteFunc(slices.Clone(q.messages), func(m Message) bool {
			got := len(taken) < n && due(m)
			if got {
				taken = append(taken, m)
			}
			return got
		})
	}
	return taken
}

// ComeBack makes received messages visible again that were not deleted. Nothing else does: the queue has no visibility
// timeout.
func (q *Queue) ComeBack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages, q.hidden = append(q.messages, q.hidden...), nil
}

// Take takes up to n due messages out of the queue, as an event source mapping does.
func (q *Queue) Take(n int) []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.take(n)
}

// TakeAll takes every due message out of the queue, and returns their bodies.
func (q *Queue) TakeAll() []string { return Bodies(q.Take(math.MaxInt)) }

// Bodies returns the bodies of messages.
func Bodies(messages []Message) (bodies []string) {
	for _, m := range messages {
		bodies = append(bodies, m.Body)
	}
	return bodies
}

// Clear takes everything out of the queue.
func (q *Queue) Clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = nil
}

// Empty reports whether the queue has no messages, due or not.
func (q *Queue) Empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages) == 0
}
