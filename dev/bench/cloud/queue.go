package cloud

import (
	"crypto/md5" //nolint:gosec // what SQS's clients check
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Message is a message of a queue.
type Message struct {
	ID   string
	Body string
	due  time.Time
}

// Queue is an SQS queue whose messages are received once.
type Queue struct {
	name string

	mu       sync.Mutex
	messages []Message
	sent     int
}

func (c *Cloud) queue(url *string) *Queue {
	if strings.HasSuffix(aws.ToString(url), "/"+c.Dead.name) {
		return c.Dead
	}
	return c.Replays
}

// Put puts messages into the queue that are there at once.
func (q *Queue) Put(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, b := range bodies {
		q.put(b, time.Time{})
	}
}

func (q *Queue) put(body string, due time.Time) string {
	q.sent++
	id := fmt.Sprintf("m%d", q.sent)
	q.messages = append(q.messages, Message{ID: id, Body: body, due: due})
	return id
}

// Take takes up to n messages that are due out of the queue, and tells how many are left, due or not.
func (q *Queue) Take(n int) (taken []Message, left int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if len(q.messages) > 0 && !q.messages[0].due.After(now) && (len(q.messages) <= n || !q.messages[n-1].due.After(now)) {
		whole := true
		for _, m := range q.messages[:min(n, len(q.messages))] {
			whole = whole && !m.due.After(now)
		}
		if whole { // the usual case, without a look at those behind
			k := min(n, len(q.messages))
			taken, q.messages = q.messages[:k:k], q.messages[k:]
			return taken, len(q.messages)
		}
	}
	kept := q.messages[:0:0]
	for _, m := range q.messages {
		if len(taken) < n && !m.due.After(now) {
			taken = append(taken, m)
		} else {
			kept = append(kept, m)
		}
	}
	q.messages = kept
	return taken, len(kept)
}

// Clear takes everything out of the queue.
func (q *Queue) Clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = nil
}

func (q *Queue) send(in *sqs.SendMessageBatchInput) *sqs.SendMessageBatchOutput {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		due := time.Time{}
		if e.DelaySeconds > 0 {
			due = time.Now().Add(time.Duration(e.DelaySeconds) * time.Second)
		}
		sum := md5.Sum([]byte(*e.MessageBody)) //nolint:gosec // what the client checks
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{
			Id: e.Id, MessageId: aws.String(q.put(*e.MessageBody, due)),
			MD5OfMessageBody: aws.String(hex.EncodeToString(sum[:])),
		})
	}
	return out
}

func (q *Queue) receive(in *sqs.ReceiveMessageInput) *sqs.ReceiveMessageOutput {
	taken, _ := q.Take(int(in.MaxNumberOfMessages))
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range taken {
		sum := md5.Sum([]byte(m.Body)) //nolint:gosec // what the client checks
		out.Messages = append(out.Messages, types.Message{
			MessageId: &m.ID, Body: &m.Body, ReceiptHandle: &m.ID, MD5OfBody: aws.String(hex.EncodeToString(sum[:])),
		})
	}
	return out
}

// published is SNS's answer.
type published struct {
	XMLName   xml.Name `xml:"PublishResponse"`
	MessageID string   `xml:"PublishResult>MessageId"`
}

// serveSNS takes a message in the query protocol.
func (c *Cloud) serveSNS(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("Action") != "Publish" {
		http.Error(w, "only Publish is known", http.StatusBadRequest)
		return
	}
	_ = xml.NewEncoder(w).Encode(published{MessageID: "m"}) // the caller has gone if this fails
}
