// Package sqs sends to and receives from an SQS queue.
package sqs

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// API is the part of the SQS client that a queue uses.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// Queue is one SQS queue.
type Queue struct {
	api API
	url string
}

// New returns the queue with a URL.
func New(api API, url string) *Queue {
	return &Queue{api: api, url: url}
}

const batchSize = 10 // the most that SQS takes at once

// MaxDelay is the longest that SQS holds a message back.
const MaxDelay = 15 * time.Minute

// Post is a message to send.
type Post struct {
	Body  string
	Delay time.Duration // in whole seconds, rounded up; 0 to MaxDelay
}

// Send sends messages. When it returns an error, some of them may be in the queue.
func (q *Queue) Send(ctx context.Context, bodies ...string) error {
	posts := make([]Post, len(bodies))
	for i, b := range bodies {
		posts[i].Body = b
	}
	return q.Post(ctx, posts...)
}

// Post sends messages that may be held back. When it returns an error, some of them may be in the queue.
func (q *Queue) Post(ctx context.Context, posts ...Post) error {
	for len(posts) > 0 {
		n := min(len(posts), batchSize)
		entries := make([]types.SendMessageBatchRequestEntry, n)
		for i, p := range posts[:n] {
			entries[i] = types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), MessageBody: &p.Body, DelaySeconds: delay(p.Delay),
			}
		}
		out, err := q.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return fmt.Errorf("send messages: %w", err)
		}
		if len(out.Failed) > 0 {
			f := out.Failed[0]
			return fmt.Errorf("send messages: %d of %d refused: %w", len(out.Failed), n, &types.RequestThrottled{
				Message: aws.String(aws.ToString(f.Code) + ": " + aws.ToString(f.Message)),
			})
		}
		posts = posts[n:]
	}
	return nil
}

func delay(d time.Duration) int32 {
	d = min(max(d, 0), MaxDelay)
	return int32((d + time.Second - 1) / time.Second)
}

// Message is a received message.
type Message struct {
	ID      string
	Body    string
	receipt string
}

// receiveWait, in seconds, is long enough for SQS to ask all its servers; an empty answer then means an empty queue.
const receiveWait = 1

// Receive returns up to ten messages and hides them from others for a time. None means that the queue is empty.
func (q *Queue) Receive(ctx context.Context, hide time.Duration) ([]Message, error) {
	out, err := q.api.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: batchSize,
		WaitTimeSeconds: receiveWait, VisibilityTimeout: int32(hide.Seconds()),
	})
	if err != nil {
		return nil, fmt.Errorf("receive messages: %w", err)
	}
	messages := make([]Message, len(out.Messages))
	for i, m := range out.Messages {
		messages[i] = Message{
			ID: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), receipt: aws.ToString(m.ReceiptHandle),
		}
	}
	return messages, nil
}

// Delete removes a received message.
func (q *Queue) Delete(ctx context.Context, m Message) error {
	_, err := q.api.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: &m.receipt})
	if err != nil {
		return fmt.Errorf("delete message %s: %w", m.ID, err)
	}
	return nil
}
