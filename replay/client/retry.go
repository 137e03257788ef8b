package client

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstWait = 200 * time.Millisecond
	maxWait   = 5 * time.Second
)

// again makes attempts until one succeeds, the error is not temporary, or none is left.
func (c *Client) again(ctx context.Context, r call) (answer, error) {
	for attempt := 1; ; attempt++ {
		ans, err := c.once(ctx, r)
		if err == nil || attempt >= c.cfg.Attempts || ctx.Err() != nil || !Temporary(err) {
			return ans, err
		}
		wait := backoff(attempt)
		c.cfg.Retrying(err, attempt, wait)
		if c.cfg.Sleep(ctx, wait) != nil {
			return ans, err
		}
	}
}

// backoff waits between half and all of a time that doubles: callers that fail together come back apart.
func backoff(attempt int) time.Duration {
	most := min(firstWait<<(attempt-1), maxWait)
	return most/2 + rand.N(most/2) //nolint:gosec // spreads load, hides nothing
}
