package doctor

import (
	"context"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// paused says what of the whole ingestion is paused, so that it is not forgotten. Whether the caller may ask is another
// check's business.
func (e *exam) paused(ctx context.Context, v *verdict) {
	c, err := e.API.Controls.Get(ctx)
	if err != nil {
		v.add(Unknown, "", "what is paused: %s", short(err))
		return
	}
	say := func(what, resume string, p *replay.Pause) {
		if p == nil {
			return
		}
		by := p.By
		if by == "" {
			by = "the ingestion"
		}
		v.warns(resume, "%s paused since %s by %s because: %s", what, p.At.UTC().Format(time.RFC3339), by, p.Reason)
	}
	say("all replays are", "`replayctl resume --all`, once the reason is gone", c.Replays.Paused)
	say("automatic replays are", "`replayctl resume --auto-replay`, once the reason is gone", c.AutoReplay.Paused)
	say("all replays, also automatic ones, are", "look at the alarm that is the prop PauseAlarm: they go on once it is OK", c.PauseAlarm)
	if len(v.parts) == 0 {
		v.says("nothing is paused")
	}
}
