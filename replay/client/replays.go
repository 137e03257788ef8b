package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// ReplaysService starts, follows and ends replays.
type ReplaysService service

// Create starts a replay, or plans one with request.DryRun. The same key with the same request returns the same
// replay for 30 days; with another request it is a RefusedError with status 409. An empty key is replaced by a random
// one, so that the attempts of this call start one replay at most.
func (s *ReplaysService) Create(ctx context.Context, key string, request replay.Request) (a replay.Accepted, err error) {
	err = s.client.send(ctx, http.MethodPost, "/replays", keyed(key), request, &a)
	return a, err
}

// Apply runs what a dry run planned: those versions and no others. A plan is applied once; the same key with the same
// plan returns the same replay. It is a RefusedError with status 409 if the plan has expired, was applied by another
// replay, has another hash, or has none yet.
func (s *ReplaysService) Apply(ctx context.Context, key string, plan replay.Apply) (a replay.Accepted, err error) {
	err = s.client.send(ctx, http.MethodPost, "/replays", keyed(key), map[string]replay.Apply{"apply": plan}, &a)
	return a, err
}

// keyed is the header of an idempotency key: a random one if it is empty.
func keyed(key string) http.Header {
	if key == "" {
		key = rand.Text()
	}
	return http.Header{"Idempotency-Key": {key}}
}

func replayPath(id string) string { return "/replays/" + url.PathEscape(id) }

// Get reads a replay with its counts. Of an unknown id, NotFound reports true of the error.
func (s *ReplaysService) Get(ctx context.Context, id string) (r replay.Replay, err error) {
	err = s.client.get(ctx, replayPath(id), &r)
	return r, err
}

// The time between two looks of Wait doubles from the first to the last.
const (
	firstLook = 250 * time.Millisecond
	lastLook  = 2 * time.Second
)

// Wait reads a replay until it has ended, or ctx has. A paused replay has not ended. With an error, it returns the
// replay as it was read last.
func (s *ReplaysService) Wait(ctx context.Context, id string) (last replay.Replay, err error) {
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		r, err := s.Get(ctx, id)
		if err != nil {
			return last, notEnded(last, err)
		}
		if last = r; r.Status.Final() {
			return r, nil
		}
		if err := s.client.cfg.Sleep(ctx, wait); err != nil {
			return r, notEnded(r, err)
		}
	}
}

// notEnded says how far a replay was when it was read last, if it was.
func notEnded(last replay.Replay, err error) error {
	if last.ReplayID == "" {
		return err
	}
	return fmt.Errorf("replay %s is %s with %+v: %w", last.ReplayID, last.Status, last.Counts, err)
}

// List lists replays, newest first: those with a status, or all of them if it is empty.
func (s *ReplaysService) List(ctx context.Context, status replay.Status) iter.Seq2[replay.Summary, error] {
	return list(ctx, s.client, "/replays", values("status", string(status)), func(p replay.Replays) ([]replay.Summary, string) {
		return p.Replays, p.NextCursor
	})
}

// ListPage reads a page of what List lists.
func (s *ReplaysService) ListPage(ctx context.Context, status replay.Status, cursor string) (replay.Replays, error) {
	return pageOf[replay.Replays](ctx, s.client, "/replays", values("status", string(status)), cursor)
}

// Cancel keeps the items of a replay that have not started from starting. Those that run end by themselves.
func (s *ReplaysService) Cancel(ctx context.Context, id string) (r replay.Summary, err error) {
	err = s.client.do(ctx, Request{Method: http.MethodPost, Path: replayPath(id) + "/cancel"}, &r)
	return r, err
}

// Pause lets nothing more of a replay start until it is resumed. What runs goes on to its end. It is a RefusedError
// with status 409 if the replay has ended, or was cancelled or halted.
func (s *ReplaysService) Pause(ctx context.Context, id string, request replay.PauseRequest) (r replay.Summary, err error) {
	err = s.client.send(ctx, http.MethodPost, replayPath(id)+"/pause", nil, request, &r)
	return r, err
}

// Resume has a replay go on that was paused. One that is not paused stays as it is. While all replays are paused, it
// waits for those.
func (s *ReplaysService) Resume(ctx context.Context, id string) (r replay.Summary, err error) {
	err = s.client.do(ctx, Request{Method: http.MethodPost, Path: replayPath(id) + "/resume"}, &r)
	return r, err
}

// Update gives a replay another pace, from the next starts on.
func (s *ReplaysService) Update(ctx context.Context, id string, change replay.ReplayChange) (r replay.Summary, err error) {
	err = s.client.send(ctx, http.MethodPatch, replayPath(id), nil, change, &r)
	return r, err
}

// ListItems lists the items of a replay: those with an outcome, or all of them if it is empty.
func (s *ReplaysService) ListItems(ctx context.Context, id string, outcome replay.Outcome) iter.Seq2[replay.Item, error] {
	query := values("outcome", string(outcome))
	return list(ctx, s.client, replayPath(id)+"/items", query, func(p replay.Items) ([]replay.Item, string) {
		return p.Items, p.NextCursor
	})
}

// ListItemsPage reads a page of what ListItems lists.
func (s *ReplaysService) ListItemsPage(
	ctx context.Context, id string, outcome replay.Outcome, cursor string,
) (replay.Items, error) {
	return pageOf[replay.Items](ctx, s.client, replayPath(id)+"/items", values("outcome", string(outcome)), cursor)
}

// GetEvidence reads what is kept of a replay that has ended. It is a RefusedError with status 409 until it is written.
func (s *ReplaysService) GetEvidence(ctx context.Context, id string) (e replay.Evidence, err error) {
	err = s.client.get(ctx, replayPath(id)+"/evidence", &e)
	return e, err
}
