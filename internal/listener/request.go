package listener

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/ce873799/replayable-ingestion/internal/event/filter"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// request is what a replay asks for.
type request struct {
	replay.Request
	transform *transform.Transform // nil: none
	where     *filter.Filter       // nil: none
}

// requests caches the requests of recent replays: they never change, and every item needs one.
type requests struct {
	mu   sync.Mutex
	byID map[string]request
}

const maxRequests = 32

// request returns what a replay asks for.
func (l *Listener) request(ctx context.Context, replayID string) (request, error) {
	l.requests.mu.Lock()
	req, known := l.requests.byID[replayID]
	l.requests.mu.Unlock()
	if known {
		return req, nil
	}
	body, err := l.Log.Object(ctx, eventlog.RequestKey(replayID))
	if err != nil {
		return request{}, err
	}
	if err := json.Unmarshal(body, &req.Request); err != nil { // the API has decoded it, and filled in defaults
		return request{}, fmt.Errorf("decode request of replay %s: %w", replayID, err)
	}
	if req.transform, err = transform.New(ctx, req.Transform, l.Functions); err != nil {
		return request{}, fmt.Errorf("replay %s: %w", replayID, err)
	}
	if req.Select.Where != "" {
		if req.where, err = filter.Parse(req.Select.Where); err != nil {
			return request{}, fmt.Errorf("replay %s: %w", replayID, err)
		}
	}
	l.requests.mu.Lock()
	defer l.requests.mu.Unlock()
	if l.requests.byID == nil || len(l.requests.byID) >= maxRequests {
		l.requests.byID = map[string]request{}
	}
	l.requests.byID[replayID] = req
	return req, nil
}
