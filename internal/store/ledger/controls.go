package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func controlsKey() (pk, sk string) { return "CONTROLS", "C" }

// Get returns what is paused.
func (l *Controls) Get(ctx context.Context) (domain.Controls, error) {
	c, err := read[domain.Controls](ctx, l.table, key(controlsKey()))
	if errors.Is(err, ErrNotFound) {
		return c, nil
	}
	return c, err
}

// PauseReplays pauses all replays. If they are paused already, the first pause stays.
func (l *Controls) PauseReplays(ctx context.Context, p replay.Pause) error {
	return l.pause(ctx, "replays", p)
}

// ResumeReplays lets all replays go on. It changes nothing if they are not paused.
func (l *Controls) ResumeReplays(ctx context.Context, r replay.Resumption) error {
	return l.resume(ctx, "replays", newChange(controlsKey()), r)
}

// PauseAutoReplay pauses automatic replays, as PauseReplays does replays.
func (l *Controls) PauseAutoReplay(ctx context.Context, p replay.Pause) error {
	return l.pause(ctx, "auto", p)
}

// ResumeAutoReplay lets automatic replays go on. The pause does not count toward the age of earlier failures, see
// domain.Controls.
func (l *Controls) ResumeAutoReplay(ctx context.Context, r replay.Resumption) error {
	now, err := l.Get(ctx)
	if err != nil {
		return err
	}
	return l.resume(ctx, "auto", newChange(controlsKey()).Set("autoPausedFrom", str(now.AutoPausedAt.String())), r)
}

func (l *Controls) pause(ctx context.Context, what string, p replay.Pause) error {
	c := newChange(controlsKey()).
		Set(what+"PausedAt", str(domain.At(p.At).String())).Set(what+"PausedBy", str(p.By)).Set(what+"PauseReason", str(p.Reason)).
		If("attribute_not_exists({" + what + "PausedAt})")
	return ignoreConflict(l.apply(ctx, c, "pause "+what))
}

func (l *Controls) resume(ctx context.Context, what string, c *change, r replay.Resumption) error {
	c.Set(what+"ResumedAt", str(domain.At(r.At).String())).Set(what+"ResumedBy", str(r.By)).
		Remove(what+"PausedAt", what+"PausedBy", what+"PauseReason").If("attribute_exists({" + what + "PausedAt})")
	return ignoreConflict(l.apply(ctx, c, "resume "+what))
}

// SetAlarm notes that PauseAlarm pauses, or with an empty reason that it does not.
func (l *Controls) SetAlarm(ctx context.Context, at domain.Stamp, reason string) error {
	c := newChange(controlsKey())
	if reason == "" {
		c.Remove("alarmAt", "alarmReason").If("attribute_exists({alarmAt})")
	} else {
		c.Set("alarmAt", str(at.String())).Set("alarmReason", str(reason)).If("attribute_not_exists({alarmAt})")
	}
	return ignoreConflict(l.apply(ctx, c, fmt.Sprintf("note pause alarm %q", reason)))
}

// Yield notes that replays give way to live traffic, unless that was already noted after since. It reports whether it
// changed the row.
func (l *Controls) Yield(ctx context.Context, to domain.Controls, since domain.Stamp) (bool, error) {
	c := newChange(controlsKey()).Set("yieldAt", str(to.YieldAt.String())).Set("yieldTo", num(to.YieldTo)).
		If("attribute_not_exists({yieldAt}) OR {yieldAt} <= ?", str(since.String()))
	err := l.apply(ctx, c, "note that replays give way")
	return err == nil, ignoreConflict(err)
}
