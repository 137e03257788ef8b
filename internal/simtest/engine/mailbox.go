package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/queue"
)

type post = queue.Post

// Mailbox is a queue without waiting times. What is received stays in it until it is deleted.
type Mailbox struct {
	faults   *Faults
	mu       sync.Mutex
	messages []queue.Message
	hidden   []queue.Message // received, and not deleted
	sent     int
	Delays   []time.Duration // of what was posted
	OnPost   func(post)
}

// Send puts messages into the queue.
func (m *Mailbox) Send(ctx context.Context, bodies ...string) error {
	posts := make([]queue.Post, len(bodies))
	for i, b := range bodies {
		posts[i].Body = b
	}
	return m.post(ctx, posts)
}

// Post puts messages into the queue, and notes how long they are to be held back.
func (m *Mailbox) Post(ctx context.Context, posts ...queue.Post) error {
	if err := m.post(ctx, posts); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range posts {
		m.Delays = append(m.Delays, p.Delay)
	}
	return nil
}

const sqsBatch = 10

// post sends messages as package queue does: in batches, each of which may break.
func (m *Mailbox) post(ctx context.Context, posts []queue.Post) error {
	for len(posts) > 0 {
		n := min(len(posts), sqsBatch)
		_, err := call(ctx, m.faults, "SendMessageBatch", func() (none struct{}, err error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, p := range posts[:n] {
				m.sent++
				m.messages = append(m.messages, queue.Message{ID: fmt.Sprint("message-", m.sent), Body: p.Body})
				if m.OnPost != nil {
					m.OnPost(p)
				}
			}
			return none, nil
		})
		if err != nil {
			return err
		}
		posts = posts[n:]
	}
	return nil
}

// Receive returns up to ten messages that were not received before.
func (m *Mailbox) Receive(ctx context.Context, _ time.Duration) ([]queue.Message, error) {
	if err := m.faults.stall(ctx, "ReceiveMessage"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(10, len(m.messages))
	got := m.messages[:n:n]
	m.messages = m.messages[n:]
	m.hidden = append(m.hidden, got...)
	return got, nil
}

// Delete takes a message out of the queue that was received.
func (m *Mailbox) Delete(ctx context.Context, msg queue.Message) error {
	if err := m.faults.stall(ctx, "DeleteMessage "+msg.ID); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hidden = slices.DeleteFunc(m.hidden, func(h queue.Message) bool { return h.ID == msg.ID })
	m.messages = slices.DeleteFunc(m.messages, func(h queue.Message) bool { return h.ID == msg.ID }) // it has come back
	return nil
}

// ComeBack shows messages again that were received and not deleted. None does so by itself.
func (m *Mailbox) ComeBack() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages, m.hidden = append(m.messages, m.hidden...), nil
}

// TakeAll takes every message out of the queue.
func (m *Mailbox) TakeAll() (bodies []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, msg := range m.messages {
		bodies = append(bodies, msg.Body)
	}
	m.messages = nil
	return bodies
}

func (m *Mailbox) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.messages) == 0
}
