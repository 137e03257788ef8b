package ledger

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// ifOpen is a condition: nobody has ended or stopped the replay.
func (c *change) ifOpen() *change {
	return c.If("{status} IN (?, ?, ?) AND attribute_not_exists({stopStatus})",
		str(string(replay.Pending)), str(string(replay.Expanding)), str(string(replay.Running)))
}

// Pause keeps the rest of a replay from starting until it is resumed. If the replay is paused already, the first pause
// stays. It returns the row, with ErrConflict if the replay has ended or was stopped.
func (l *Replays) Pause(ctx context.Context, id string, p replay.Pause) (domain.Replay, error) {
	r, err := applied[domain.Replay](ctx, l.table, pauseChange(id, p), "pause replay "+id)
	if isConflict(err) && r.Paused() {
		return r, nil
	}
	return r, err
}

func pauseChange(id string, p replay.Pause) *change {
	return newChange(replayKey(id)).
		Set("pausedAt", str(domain.At(p.At).String())).Set("pausedBy", str(p.By)).Set("pauseReason", str(p.Reason)).
		ifOpen().If("attribute_not_exists({pausedAt})")
}

// Resume lets a paused replay go on. It takes the replay as Count returned it, and returns the row, with ErrConflict if
// the replay is not paused.
func (l *Replays) Resume(ctx context.Context, r domain.Replay, by replay.Resumption) (domain.Replay, error) {
	c := newChange(replayKey(r.ID)).Set("resumedAt", str(domain.At(by.At).String())).Set("resumedBy", str(by.By)).
		Remove("pausedAt", "pausedBy", "pauseReason").ifOpen().If("attribute_exists({pausedAt})").judgeAnew(r)
	return applied[domain.Replay](ctx, l.table, c, "resume replay "+r.ID)
}

// SetPace gives a replay another maximum of starts per second, 0 for none. It returns the row, with ErrConflict if the
// replay has ended or was stopped.
func (l *Replays) SetPace(ctx context.Context, id string, perSecond int) (domain.Replay, error) {
	c := newChange(replayKey(id)).ifOpen()
	if perSecond == 0 {
		c.Remove("maxPerSecond")
	} else {
		c.Set("maxPerSecond", num(perSecond))
	}
	return applied[domain.Replay](ctx, l.table, c, "change pace of replay "+id)
}

// Park records that a message of a replay is about to be deleted from the queue. With own, it returns ErrConflict
// unless the replay itself is still paused.
func (l *Replays) Park(ctx context.Context, id string, own bool) error {
	c := newChange(replayKey(id)).Set("parked", flag(true)).If("attribute_exists({pk})")
	if own {
		c.If("attribute_exists({pausedAt})")
	}
	return l.apply(ctx, c, "park replay "+id)
}

// BeginResend records that messages for the waiting items of a replay are being sent again, from the first item. An
// earlier resend stops. It returns the row, with ErrConflict if another call has begun one since the row was read.
func (l *Replays) BeginResend(ctx context.Context, r domain.Replay, at domain.Stamp) (domain.Replay, error) {
	c := newChange(replayKey(r.ID)).Add("resends", 1).Set("resendAt", str(at.String())).Remove("resendTo", "parked").ifOpen()
	if r.Resends == 0 {
		c.If("attribute_not_exists({resends})")
	} else {
		c.If("{resends} = ?", num(r.Resends))
	}
	return applied[domain.Replay](ctx, l.table, c, "begin to send messages of replay "+r.ID)
}

// AdvanceResend records up to where messages were sent again. An empty place means that all were. It returns
// ErrConflict if another call has gone on from there, or has begun again.
func (l *Replays) AdvanceResend(ctx context.Context, r domain.Replay, to string, at domain.Stamp) error {
	c := newChange(replayKey(r.ID)).If("{resends} = ? AND attribute_exists({resendAt})", num(r.Resends))
	if to == "" {
		c.Remove("resendAt", "resendTo")
	} else {
		c.Set("resendAt", str(at.String())).Set("resendTo", str(to))
	}
	if r.ResendTo == "" {
		c.If("attribute_not_exists({resendTo})")
	} else {
		c.If("{resendTo} = ?", str(r.ResendTo))
	}
	return l.apply(ctx, c, "send messages of replay "+r.ID)
}

// Park records that a pause is about to end the execution of a series, or keeps it from being started.
func (l *Series) Park(ctx context.Context, s domain.Series) error {
	c := newChange(seriesKey(s.Name)).Set("parked", flag(true)).sameRun(s)
	return l.apply(ctx, c, "park series "+s.Name)
}

// Unpark lets a parked series go on as another execution. It returns ErrConflict if the series is no longer parked.
func (l *Series) Unpark(ctx context.Context, s domain.Series, at domain.Stamp) (domain.Series, error) {
	c := newChange(seriesKey(s.Name)).Set("run", num(s.Run+1)).Set("started", flag(false)).Set("unparkedAt", str(at.String())).
		Remove("parked").sameRun(s).If("attribute_exists({parked})")
	err := l.apply(ctx, c, "unpark series "+s.Name)
	s.Run, s.Started, s.Parked, s.UnparkedAt = s.Run+1, false, false, at
	return s, err
}

// sameRun is a condition: a series has not gone on since it was read.
func (c *change) sameRun(s domain.Series) *change {
	if s.Run == 0 {
		return c.If("attribute_exists({pk}) AND attribute_not_exists({run})")
	}
	return c.If("{run} = ?", num(s.Run))
}
