package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/oklog/ulid/v2"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

func linksOf(req request, id string) map[string]string {
	self := linkTo(req, "/replays/"+id)
	return map[string]string{"self": self, "items": self + "/items", "cancel": self + "/cancel", "pause": self + "/pause", "resume": self + "/resume"}
}

func (a *API) find(ctx context.Context, req request) (domain.Replay, error) {
	id := req.PathParameters["replayId"]
	if _, err := ulid.ParseStrict(id); err != nil {
		return domain.Replay{}, notFound("%q is not a replay id", replay.Shorten(id))
	}
	row, err := a.book.Replays.Get(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return row, notFound("there is no replay %s", id)
	}
	return row, err
}

func (a *API) replay(ctx context.Context, req request) (answer, error) {
	row, err := a.find(ctx, req)
	if err == nil {
		row, err = a.book.Replays.Show(ctx, row)
	}
	if err != nil {
		return answer{}, err
	}
	r, err := a.stored(ctx, row.ID)
	if err != nil {
		return answer{}, err
	}
	c, err := a.book.Controls.Get(ctx)
	if err != nil {
		return answer{}, err
	}
	full := replay.Replay{Summary: summary(req, row, c), Request: r}
	if row.Status == replay.Planned {
		if full.Plan, err = a.planOf(ctx, row, r); err != nil {
			return answer{}, err
		}
	}
	return answer{status: http.StatusOK, body: full}, nil
}

// shown is the status of a replay as people see it, and what pauses it.
func shown(row domain.Replay, c domain.Controls) (replay.Status, *replay.Pause) {
	if row.Paused() {
		return replay.Paused, &replay.Pause{By: row.PausedBy, At: row.PausedAt.Time, Reason: row.PauseReason}
	}
	if p := c.Pausing(row); p != nil {
		return replay.Paused, p
	}
	return row.Status, nil
}

func summary(req request, row domain.Replay, c domain.Controls) replay.Summary {
	s := replay.Summary{
		ReplayID: row.ID, Status: row.Status, Action: row.Action, DryRun: row.DryRun, Reason: row.Reason,
		RequestedBy: row.RequestedBy, CreatedAt: row.CreatedAt.Time, CompletedAt: row.CompletedAt.Pointer(),
		Stopped: row.Stop(), Truncated: row.Truncated, Looked: row.Looked, Counts: row.Counts(), Links: linksOf(req, row.ID), MaxPerSecond: row.MaxPerSecond,
		Ramp:   row.RampProgress(),
		PlanID: row.PlanID, AppliedBy: row.AppliedBy,
	}
	s.Status, s.Paused = shown(row, c)
	if !row.ResumedAt.IsZero() {
		s.Resumed = &replay.Resumption{By: row.ResumedBy, At: row.ResumedAt.Time}
	}
	return s
}

// stored is the request of a replay.
func (a *API) stored(ctx context.Context, id string) (r replay.Request, err error) {
	body, err := a.log.Object(ctx, eventlog.RequestKey(id))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("decode stored request: %w", err)
	}
	return r, nil
}

// replays lists replays, newest first.
func (a *API) replays(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "status", "limit", "cursor")
	status := oneOf(q, "status", replay.Statuses())
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	c, err := a.book.Controls.Get(ctx)
	if err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Replays.List(ctx, func(row domain.Replay) bool {
		is, _ := shown(row, c)
		return status == "" || is == status
	}, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	page := replay.Replays{Replays: make([]replay.Summary, len(rows)), NextCursor: q.next(next)}
	for i, row := range rows {
		if row, err = a.book.Replays.Show(ctx, row); err != nil {
			return answer{}, err
		}
		page.Replays[i] = summary(req, row, c)
	}
	return answer{status: http.StatusOK, body: page}, nil
}

// cancel stops what has not started of a replay. Cancelling it again changes nothing.
func (a *API) cancel(ctx context.Context, req request) (answer, error) {
	row, err := a.find(ctx, req)
	if err != nil {
		return answer{}, err
	}
	stop := replay.Stop{Status: replay.Cancelled, By: caller(req), At: a.now(), Reason: row.ReasonToStop("cancelled by request")}
	if row.StopStatus == replay.Cancelled { // the message of the first request may not have been sent
		err = a.progress.CompleteIfDone(ctx, row.ID, a.now())
	} else {
		err = a.progress.Stop(ctx, row.ID, stop)
	}
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		return answer{}, err
	}
	row, ans, err := a.summaryOf(ctx, req, row.ID)
	if err != nil {
		return answer{}, err
	}
	if row.StopStatus != replay.Cancelled {
		return answer{}, refused("replay %s cannot be cancelled: it is %s%s", row.ID, row.Status, ending(row))
	}
	a.logger.InfoContext(ctx, "replay cancelled", "replayId", row.ID)
	return ans, nil
}

// ending adds that the rest of a halted replay ends by itself.
func ending(row domain.Replay) string {
	if row.Status.Final() {
		return ""
	}
	return " and was halted already; what had started ends by itself"
}

func (a *API) items(ctx context.Context, req request) (answer, error) {
	q := newQuery(req, "outcome", "limit", "cursor")
	outcome := oneOf(q, "outcome", replay.Outcomes())
	limit, cursor := q.page()
	if err := q.err(); err != nil {
		return answer{}, err
	}
	row, err := a.find(ctx, req)
	if err != nil {
		return answer{}, err
	}
	rows, next, err := a.book.Items.List(ctx, row, outcome, cursor, limit)
	if err != nil {
		return answer{}, q.failed(err)
	}
	page := replay.Items{Items: make([]replay.Item, len(rows)), NextCursor: q.next(next)}
	for i, it := range rows {
		page.Items[i] = it.Shown()
	}
	return answer{status: http.StatusOK, body: page}, nil
}
