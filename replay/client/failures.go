package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/ce873799/replayable-ingestion/replay"
)

// FailuresService lists failures, and closes and reopens them.
type FailuresService service

// List lists the failures that a query selects: by default the quarantine, newest first.
func (s *FailuresService) List(ctx context.Context, query replay.FailureQuery) iter.Seq2[replay.Failure, error] {
	return list(ctx, s.client, "/failures", failureValues(query), func(p replay.Failures) ([]replay.Failure, string) {
		return p.Failures, p.NextCursor
	})
}

// ListPage reads a page of what List lists.
func (s *FailuresService) ListPage(ctx context.Context, query replay.FailureQuery, cursor string) (replay.Failures, error) {
	return pageOf[replay.Failures](ctx, s.client, "/failures", failureValues(query), cursor)
}

func failureValues(q replay.FailureQuery) url.Values {
	query := values("status", string(q.Status), "error", q.Error, "state", q.State, "cause", q.Cause,
		"resourceId", q.ResourceID, "ownerId", q.OwnerID, "jobId", q.JobID, "since", timeOf(q.Since), "until", timeOf(q.Until))
	if q.Superseded {
		query.Set("superseded", "true")
	}
	return query
}

// GetGroups counts the failures that are open or in quarantine, by status, error and state.
func (s *FailuresService) GetGroups(ctx context.Context) (g replay.FailureGroups, err error) {
	err = s.client.get(ctx, "/failures/groups", &g)
	return g, err
}

// CreateJob closes or reopens failures, or counts them with request.DryRun. The same key with the same request is the
// same job; an empty one is replaced by a random one.
func (s *FailuresService) CreateJob(
	ctx context.Context, action replay.FailureAction, key string, request replay.FailureJobRequest,
) (j replay.FailureJob, err error) {
	err = s.client.send(ctx, http.MethodPost, "/failures/"+string(action), keyed(key), request, &j)
	return j, err
}

// GetJob reads how far a job is. Of an unknown id, NotFound reports true of the error.
func (s *FailuresService) GetJob(ctx context.Context, id string) (j replay.FailureJob, err error) {
	err = s.client.get(ctx, "/failures/jobs/"+url.PathEscape(id), &j)
	return j, err
}

// ListJobs lists who closed and reopened what, newest first.
func (s *FailuresService) ListJobs(ctx context.Context) iter.Seq2[replay.FailureJob, error] {
	return list(ctx, s.client, "/failures/jobs", nil, func(p replay.FailureJobs) ([]replay.FailureJob, string) {
		return p.Jobs, p.NextCursor
	})
}

// ListJobsPage reads a page of what ListJobs lists.
func (s *FailuresService) ListJobsPage(ctx context.Context, cursor string) (replay.FailureJobs, error) {
	return pageOf[replay.FailureJobs](ctx, s.client, "/failures/jobs", nil, cursor)
}
