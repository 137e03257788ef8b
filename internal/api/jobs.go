package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/oklog/ulid/v2"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// changeFailures accepts a job that closes or reopens failures.
func (a *API) changeFailures(action replay.FailureAction) func(context.Context, request) (answer, error) {
	return func(ctx context.Context, req request) (answer, error) {
		key, keyed, body, err := submitted(req)
		if err != nil {
			return answer{}, err
		}
		now := a.now()
		r, err := replay.DecodeFailureJob(action, body, now)
		if err != nil {
			return answer{}, err
		}
		id, err := ulid.New(ulid.Timestamp(now), a.Random)
		if err != nil {
			return answer{}, fmt.Errorf("make job id: %w", err)
		}
		job := domain.FailureJob{
			ID: id.String(), Action: action, DryRun: r.DryRun, RequestedBy: caller(req), Reason: r.Reason, AskedAt: domain.At(now),
		}
		if keyed {
			keyFor := fmt.Appendf(nil, `{%q:%s}`, action, body)
			claimed, err := a.claim(ctx, "job", key, keyFor, domain.Claim{AcceptedID: job.ID, CreatedAt: job.AskedAt})
			if err != nil {
				return answer{}, err
			}
			job.ID, job.AskedAt = claimed.AcceptedID, claimed.CreatedAt
			if r, err = replay.DecodeFailureJob(action, body, job.AskedAt.Time); err != nil { // relative times count from the first call
				return answer{}, err
			}
		}
		if job, err = a.jobs.Begin(ctx, job, r.Select); err != nil {
			return answer{}, err
		}
		a.logger.InfoContext(ctx, "job accepted", "jobId", job.ID, "action", job.Action, "dryRun", job.DryRun)
		return a.jobAnswer(ctx, req, http.StatusAccepted, job.ID)
	}
}

// failureJob returns the progress of a job.
func (a *API) failureJob(ctx context.Context, req request) (answer, error) {
	id := req.PathParameters["jobId"]
	if _, err := ulid.ParseStrict(id); err != nil {
		return answer{}, notFound("%q is not a job id", replay.Shorten(id))
	}
	return a.jobAnswer(ctx, req, http.StatusOK, id)
}

func (a *API) jobAnswer(ctx context.Context, req request, status int, id string) (answer, error) {
	job, err := a.job(ctx, req, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return answer{}, notFound("there is no job %s", id)
	}
	if err != nil {
		return answer{}, err
	}
	ans := answer{status: status, body: job}
	if status == http.StatusAccepted {
		ans.headers = map[string]string{"Location": job.Links["self"]}
	}
	return ans, nil
}

func (a *API) job(ctx context.Context, req request, id string) (out replay.FailureJob, err error) {
	j, parts, err := a.book.FailureJobs.Get(ctx, id)
	if err != nil {
		return out, err
	}
	out = replay.FailureJob{
		JobID: j.ID, Action: j.Action, Status: replay.Running, DryRun: j.DryRun, Reason: j.Reason, RequestedBy: j.RequestedBy,
		CreatedAt: j.AskedAt.Time, Links: map[string]string{"self": linkTo(req, "/failures/jobs/"+j.ID)},
	}
	if err := json.Unmarshal([]byte(j.Select), &out.Select); err != nil {
		return out, fmt.Errorf("decode selection of job %s: %w", j.ID, err)
	}
	done := 0
	for _, p := range parts {
		out.Count += p.Count
		if p.Done {
			done++
		}
	}
	if done == j.Parts {
		out.Status = replay.Completed
	}
	return out, nil
}

// failureJobs lists who closed and reopened what, newest first.
func (a *API) failureJobs(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "limit", "cursor")
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.FailureJobs.List(ctx, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	page := replay.FailureJobs{Jobs: make([]replay.FailureJob, len(rows)), NextCursor: q.next(next)}
	for i, row := range rows {
		if page.Jobs[i], err = a.job(ctx, req, row.ID); err != nil {
			return answer{}, err
		}
	}
	return answer{status: http.StatusOK, body: page}, nil
}
