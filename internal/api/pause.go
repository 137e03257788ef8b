package api

import (
	"context"
	"errors"
	"math"
	"net/http"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// pause stops a replay from starting anything more. Pausing it again changes nothing.
func (a *API) pause(ctx context.Context, req request) (answer, error) {
	row, body, err := a.about(ctx, req)
	if err != nil {
		return answer{}, err
	}
	r, err := replay.DecodePause(body)
	if err != nil {
		return answer{}, err
	}
	_, err = a.book.Replays.Pause(ctx, row.ID, replay.Pause{By: caller(req), At: a.now(), Reason: r.Reason})
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		return answer{}, err
	}
	return a.changed(ctx, req, row.ID, "paused", "replay paused")
}

// resume lets a replay continue. Resuming it again changes nothing, but sends the message that an earlier call failed
// to send.
func (a *API) resume(ctx context.Context, req request) (answer, error) {
	row, err := a.find(ctx, req)
	if err != nil {
		return answer{}, err
	}
	if row.Ramped() {
		if row, err = a.book.Replays.Count(ctx, row); err != nil {
			return answer{}, err
		}
	}
	_, err = a.book.Replays.Resume(ctx, row, replay.Resumption{By: caller(req), At: a.now()})
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		return answer{}, err
	}
	if err := a.progress.GoOn(ctx, row.ID, a.now(), 0); err != nil {
		return answer{}, err
	}
	if row.Ramped() { // its step may have ended meanwhile
		if err := a.progress.CompleteIfDone(ctx, row.ID, a.now()); err != nil {
			return answer{}, err
		}
	}
	return a.changed(ctx, req, row.ID, "resumed", "replay resumed")
}

// change gives a replay another pace. Messages that wait for the old pace are sent again: they need not wait for it.
func (a *API) change(ctx context.Context, req request) (answer, error) {
	row, body, err := a.about(ctx, req)
	if err != nil {
		return answer{}, err
	}
	r, err := replay.DecodeReplayChange(body)
	if err != nil {
		return answer{}, err
	}
	before, pace := row.MaxPerSecond, 0
	if r.MaxPerSecond != nil {
		pace = *r.MaxPerSecond
	}
	changed, err := a.book.Replays.SetPace(ctx, row.ID, pace)
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		return answer{}, err
	}
	if faster := before > 0 && (pace == 0 || pace > before); err == nil && faster && !changed.Paused() {
		if err := a.progress.Resend(ctx, changed, a.now()); err != nil {
			return answer{}, err
		}
	}
	return a.changed(ctx, req, row.ID, "given another pace", "pace of replay changed", "maxPerSecond", pace)
}

// about returns the replay that a call is about, and the body of the call.
func (a *API) about(ctx context.Context, req request) (row domain.Replay, body []byte, err error) {
	if row, err = a.find(ctx, req); err != nil {
		return row, nil, err
	}
	body, err = bodyOf(req)
	return row, body, err
}

// summaryOf answers with a replay as it stands.
func (a *API) summaryOf(ctx context.Context, req request, id string) (domain.Replay, answer, error) {
	row, err := a.book.Replays.Get(ctx, id)
	if err == nil {
		row, err = a.book.Replays.Show(ctx, row)
	}
	if err != nil {
		return row, answer{}, err
	}
	c, err := a.book.Controls.Get(ctx)
	return row, answer{status: http.StatusOK, body: summary(req, row, c)}, err
}

// changed answers with a replay after a change, and logs it. A replay that has ended, or ends, was not changed.
func (a *API) changed(ctx context.Context, req request, id, what, message string, args ...any) (answer, error) {
	row, ans, err := a.summaryOf(ctx, req, id)
	switch {
	case err != nil:
		return answer{}, err
	case row.Status.Final():
		return answer{}, refused("replay %s cannot be %s: it is %s", id, what, row.Status)
	case row.Stopped():
		return answer{}, refused("replay %s cannot be %s: it is %s", id, what, row.StopStatus)
	}
	a.logger.InfoContext(ctx, message, append([]any{"replayId", id}, args...)...)
	return ans, nil
}

// controls says what is paused of the whole ingestion.
func (a *API) controls(ctx context.Context, req request) (answer, error) {
	c, err := a.book.Controls.Get(ctx)
	return answer{status: http.StatusOK, body: a.controlsOf(c)}, err
}

// maxResumed is how many open replays one call continues after a pause of all replays. Auto-replay continues the
// others.
const maxResumed = 100

// changeControls pauses or resumes all replays, automatic ones, or both.
func (a *API) changeControls(ctx context.Context, req request) (answer, error) {
	body, err := bodyOf(req)
	if err != nil {
		return answer{}, err
	}
	r, err := replay.DecodeControlsChange(body)
	if err != nil {
		return answer{}, err
	}
	now, by := a.now(), caller(req)
	for _, part := range []struct {
		want   *bool
		what   string
		pause  func(context.Context, replay.Pause) error
		resume func(context.Context, replay.Resumption) error
	}{
		{r.PauseReplays, "replays", a.book.Controls.PauseReplays, a.book.Controls.ResumeReplays},
		{r.PauseAutoReplay, "autoReplay", a.book.Controls.PauseAutoReplay, a.book.Controls.ResumeAutoReplay},
	} {
		switch {
		case part.want == nil:
			continue
		case *part.want:
			err = part.pause(ctx, replay.Pause{By: by, At: now, Reason: r.Reason})
		default:
			err = part.resume(ctx, replay.Resumption{By: by, At: now})
		}
		if err != nil {
			return answer{}, err
		}
		a.logger.InfoContext(ctx, "controls changed", "of", part.what, "paused", *part.want)
	}
	if r.PauseReplays != nil && !*r.PauseReplays {
		rows, err := a.book.Replays.Open(ctx, now.Add(eventlog.ClockSkew), maxResumed)
		if err != nil {
			return answer{}, err
		}
		for _, row := range rows {
			if err := a.progress.GoOn(ctx, row.ID, now, 0); err != nil {
				return answer{}, err
			}
		}
	}
	c, err := a.book.Controls.Get(ctx)
	return answer{status: http.StatusOK, body: a.controlsOf(c)}, err
}

func (a *API) controlsOf(c domain.Controls) replay.Controls {
	var out replay.Controls
	out.Replays = controlOf(c.ReplaysPausedAt, c.ReplaysPausedBy, c.ReplaysPauseReason, c.ReplaysResumedAt, c.ReplaysResumedBy)
	out.AutoReplay = controlOf(c.AutoPausedAt, c.AutoPausedBy, c.AutoPauseReason, c.AutoResumedAt, c.AutoResumedBy)
	if !c.AlarmAt.IsZero() {
		out.PauseAlarm = &replay.Pause{At: c.AlarmAt.Time, Reason: c.AlarmReason}
	}
	if share := c.Pace(a.now()); share < 1 {
		out.Yielding = &replay.Yield{At: c.YieldAt.Time, Share: math.Round(share*1e3) / 1e3}
	}
	return out
}

func controlOf(pausedAt domain.Stamp, by, reason string, resumedAt domain.Stamp, resumedBy string) (c replay.Control) {
	if !pausedAt.IsZero() {
		c.Paused = &replay.Pause{By: by, At: pausedAt.Time, Reason: reason}
	}
	if !resumedAt.IsZero() {
		c.Resumed = &replay.Resumption{By: resumedBy, At: resumedAt.Time}
	}
	return c
}
