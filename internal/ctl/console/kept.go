package console

import (
	"context"
	"sync"
	"time"
)

// kept is a value that was read, and is reused by all pages for a while.
type kept[T any] struct {
	read func(context.Context) (T, error)
	life time.Duration

	mu   sync.Mutex
	at   time.Time
	last T
	err  error
}

// get returns the value. It reads it again once it is too old.
func (k *kept[T]) get(ctx context.Context, now time.Time) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at.IsZero() || now.Sub(k.at) >= k.life {
		k.last, k.err = k.read(ctx)
		if ctx.Err() == nil { // a canceled request must not leave its error to the next one
			k.at = now
		}
	}
	return k.last, k.err
}

// forget makes the next get read the value.
func (k *kept[T]) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = time.Time{}
}
