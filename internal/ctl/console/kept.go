package console

import (
	"context"
	"sync"
	"time"
)

// kept is what was read last. It serves all pages for a while.
type kept[T any] struct {
	read func(context.Context) (T, error)
	life time.Duration

	mu   sync.Mutex
	at   time.Time
	last T
	err  error
}

// get reads once in a life.
func (k *kept[T]) get(ctx context.Context, now time.Time) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at.IsZero() || now.Sub(k.at) >= k.life {
		k.last, k.err = k.read(ctx)
		if ctx.Err() == nil { // who asks next is not to see that another one has gone
			k.at = now
		}
	}
	return k.last, k.err
}

// forget has the next one read.
func (k *kept[T]) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = time.Time{}
}
