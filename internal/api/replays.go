package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/oklog/ulid/v2"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/replay"
)

// accept stores a request and sends one message. The request is stored first and its row last before the message, so
// that whoever finds the message finds both.
func (a *API) accept(ctx context.Context, req request) (answer, error) {
	body, err := bodyOf(req)
	if err != nil {
		return answer{}, err
	}
	r, err := replay.Decode(body)
	if err != nil {
		return answer{}, err
	}
	stored, err := json.Marshal(r)
	if err != nil {
		return answer{}, fmt.Errorf("encode request: %w", err)
	}
	now := a.now()
	id, err := ulid.New(ulid.Timestamp(now), a.random)
	if err != nil {
		return answer{}, fmt.Errorf("make replay id: %w", err)
	}
	row := ledger.Replay{
		ID: id.String(), Status: replay.Pending, RequestedBy: caller(req), Reason: r.Reason, OwnerID: r.Select.OwnerID,
		CreatedAt: ledger.At(now),
	}
	if err := a.log.PutObject(ctx, eventlog.RequestKey(row.ID), stored); err != nil {
		return answer{}, err
	}
	if err := a.book.AddReplay(ctx, row); err != nil {
		return answer{}, err
	}
	if err := a.queue.Send(ctx, message.Replay{Kind: message.KindExpand, ReplayID: row.ID}.Encode()); err != nil {
		// The caller learns that it was not accepted; nobody must wait for it.
		return answer{}, errors.Join(err, a.book.HaltReplay(ctx, row.ID, ledger.At(a.now())))
	}
	a.logger.InfoContext(ctx, "replay accepted", "replayId", row.ID, "requestedBy", row.RequestedBy, "reason", row.Reason)
	links := linksOf(req, row.ID)
	return answer{
		status:  http.StatusAccepted,
		body:    replay.Accepted{ReplayID: row.ID, Status: row.Status, Links: links},
		headers: map[string]string{"Location": links["self"]},
	}, nil
}

// caller returns the ARN of who signed the request. Other authorizers than IAM give none.
func caller(req request) string {
	if arn := req.RequestContext.Identity.UserArn; arn != "" {
		return arn
	}
	return "unknown"
}

func linksOf(req request, id string) map[string]string {
	self := linkTo(req, "/replays/"+id)
	return map[string]string{"self": self, "items": self + "/items"}
}

func (a *API) find(ctx context.Context, req request) (ledger.Replay, error) {
	id := req.PathParameters["replayId"]
	if _, err := ulid.ParseStrict(id); err != nil {
		return ledger.Replay{}, &statusError{http.StatusNotFound, fmt.Sprintf("%q is no replay id", id)}
	}
	row, err := a.book.Replay(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return row, &statusError{http.StatusNotFound, fmt.Sprintf("there is no replay %s", id)}
	}
	return row, err
}

func (a *API) replay(ctx context.Context, req request) (answer, error) {
	row, err := a.find(ctx, req)
	if err != nil {
		return answer{}, err
	}
	stored, err := a.log.Object(ctx, eventlog.RequestKey(row.ID))
	if err != nil {
		return answer{}, err
	}
	var r replay.Request
	if err := json.Unmarshal(stored, &r); err != nil {
		return answer{}, fmt.Errorf("decode stored request: %w", err)
	}
	return answer{status: http.StatusOK, body: replay.Replay{
		ReplayID: row.ID, Status: row.Status, Request: r, RequestedBy: row.RequestedBy,
		CreatedAt: row.CreatedAt.Time, CompletedAt: row.CompletedAt.Pointer(), Counts: row.Counts(),
		Links: linksOf(req, row.ID),
	}}, nil
}

func (a *API) items(ctx context.Context, req request) (answer, error) {
	q := newQuery(req)
	outcome := replay.Outcome(q.oneOf("outcome", replay.Outcomes()))
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	row, err := a.find(ctx, req)
	if err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Items(ctx, row, outcome, cursor, limit)
	if err != nil {
		return answer{}, badCursor(err)
	}
	page := replay.Items{Items: make([]replay.Item, len(rows)), NextCursor: encodeCursor(next)}
	for i, it := range rows {
		page.Items[i] = replay.Item{
			ResourceID: it.ResourceID, Outcome: it.Outcome, VersionID: it.VersionID, ExecutionARN: it.ARN,
			Reason: it.Reason, StartedAt: it.StartedAt.Pointer(), EndedAt: it.EndedAt.Pointer(),
		}
	}
	return answer{status: http.StatusOK, body: page}, nil
}

func (a *API) failures(ctx context.Context, req request) (answer, error) {
	q := newQuery(req)
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Quarantine(ctx, cursor, limit)
	if err != nil {
		return answer{}, badCursor(err)
	}
	page := replay.Failures{Failures: make([]replay.Failure, len(rows)), NextCursor: encodeCursor(next)}
	for i, f := range rows {
		page.Failures[i] = replay.Failure{
			Execution: f.Execution, ResourceID: f.ResourceID, VersionID: f.VersionID, InputKey: f.InputKey,
			Error: f.Error, Cause: f.Cause, Decision: f.Decision, Attempt: f.Attempt, FailedAt: f.FailedAt.Time,
		}
	}
	return answer{status: http.StatusOK, body: page}, nil
}
