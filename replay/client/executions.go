package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/ce873799/replayable-ingestion/replay"
)

// ExecutionsService lists executions.
type ExecutionsService service

// List lists the executions that have ended in the last days, what was reported last first.
func (s *ExecutionsService) List(ctx context.Context, query replay.ExecutionQuery) iter.Seq2[replay.EndedExecution, error] {
	return list(ctx, s.client, "/executions", executionValues(query), func(p replay.Executions) ([]replay.EndedExecution, string) {
		return p.Executions, p.NextCursor
	})
}

// ListPage reads a page of what List lists.
func (s *ExecutionsService) ListPage(ctx context.Context, query replay.ExecutionQuery, cursor string) (replay.Executions, error) {
	return pageOf[replay.Executions](ctx, s.client, "/executions", executionValues(query), cursor)
}

// Follow reads the executions that have ended behind a place, in the order in which they were reported. An empty cursor
// stands for query.Since; the answer's is the place to go on from, now or later. The last seconds are left out, since
// what has their time may still be written. query.Until is not used.
func (s *ExecutionsService) Follow(ctx context.Context, query replay.ExecutionQuery, cursor string) (replay.Executions, error) {
	query.Until = nil
	following := executionValues(query)
	following.Set("follow", "true")
	return pageOf[replay.Executions](ctx, s.client, "/executions", following, cursor)
}

func executionValues(q replay.ExecutionQuery) url.Values {
	return values("status", string(q.Status), "error", q.Error, "resourceId", q.ResourceID, "ownerId", q.OwnerID,
		"since", timeOf(q.Since), "until", timeOf(q.Until))
}

// ControlsService pauses and resumes the whole ingestion.
type ControlsService service

// Get says what is paused of the whole ingestion.
func (s *ControlsService) Get(ctx context.Context) (c replay.Controls, err error) {
	err = s.client.get(ctx, "/controls", &c)
	return c, err
}

// Update pauses or resumes all replays, automatic replays, or both.
func (s *ControlsService) Update(ctx context.Context, change replay.ControlsChange) (c replay.Controls, err error) {
	err = s.client.send(ctx, http.MethodPatch, "/controls", nil, change, &c)
	return c, err
}
