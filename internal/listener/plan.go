package listener

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/filter"
	"github.com/ce873799/replayable-ingestion/internal/transform"
	"github.com/ce873799/replayable-ingestion/replay"
)

// plan is what a replay asks for.
type plan struct {
	replay.Request
	transform *transform.Transform // nil: none
	where     *filter.Filter       // nil: none
}

// plans keeps the requests of the last replays: they never change, and every item needs its own.
type plans struct {
	mu   sync.Mutex
	byID map[string]plan
}

const maxPlans = 32

// plan returns what a replay asks for.
func (l *Listener) plan(ctx context.Context, replayID string) (plan, error) {
	l.plans.mu.Lock()
	p, known := l.plans.byID[replayID]
	l.plans.mu.Unlock()
	if known {
		return p, nil
	}
	body, err := l.Log.Object(ctx, eventlog.RequestKey(replayID))
	if err != nil {
		return plan{}, err
	}
	if err := json.Unmarshal(body, &p.Request); err != nil { // the API has decoded it, and filled in defaults
		return plan{}, fmt.Errorf("decode request of replay %s: %w", replayID, err)
	}
	if p.transform, err = transform.New(ctx, p.Transform, l.Functions); err != nil {
		return plan{}, fmt.Errorf("replay %s: %w", replayID, err)
	}
	if p.Select.Where != "" {
		if p.where, err = filter.Parse(p.Select.Where); err != nil {
			return plan{}, fmt.Errorf("replay %s: %w", replayID, err)
		}
	}
	l.plans.mu.Lock()
	defer l.plans.mu.Unlock()
	if l.plans.byID == nil || len(l.plans.byID) >= maxPlans {
		l.plans.byID = map[string]plan{}
	}
	l.plans.byID[replayID] = p
	return p, nil
}
