package cloud

import (
	"sync"
	"time"

	"github.com/aws/smithy-go"
)

// rate is the bucket of tokens that limits how many executions are started. It holds one second's refill. An account's
// bucket holds five seconds' worth, which would hide the limit for that time.
type rate struct {
	perSecond float64 // 0: no limit

	mu        sync.Mutex
	tokens    float64
	filled    time.Time
	allowed   int
	throttled int
}

func newRate(perSecond float64) rate {
	return rate{perSecond: perSecond, tokens: perSecond, filled: time.Now()}
}

// allow takes a token out of the bucket, or returns the error of a throttled start.
func (r *rate) allow() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.perSecond > 0 {
		now := time.Now()
		r.tokens = min(r.perSecond, r.tokens+now.Sub(r.filled).Seconds()*r.perSecond)
		r.filled = now
		if r.tokens < 1 {
			r.throttled++
			return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
		}
		r.tokens--
	}
	r.allowed++
	return nil
}
