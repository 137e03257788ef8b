package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
)

// reasonOf reads the reason of a form, and adds a fault if there is none.
func reasonOf(form url.Values, faults map[string]string) string {
	reason := strings.TrimSpace(form.Get("reason"))
	if reason == "" {
		faults["reason"] = "is required: say why, for who asks later"
	}
	return reason
}

// pause pauses a replay.
func (c *Console) pause(r *http.Request) (view, error) {
	faults := map[string]string{}
	reason := reasonOf(r.PostForm, faults)
	if len(faults) > 0 {
		return invalid(faults), nil
	}
	s, err := c.o.Client.Replays.Pause(r.Context(), r.PathValue("id"), replay.PauseRequest{Reason: reason})
	if err != nil {
		return view{}, err
	}
	return done("/replays/"+s.ReplayID, "paused"), nil
}

// resume lets a replay go on.
func (c *Console) resume(r *http.Request) (view, error) {
	s, err := c.o.Client.Replays.Resume(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return done("/replays/"+s.ReplayID, "resumed"), nil
}

// pace gives a replay another maximum of starts per second, or none.
func (c *Console) pace(r *http.Request) (view, error) {
	var change replay.ReplayChange
	if typed := strings.TrimSpace(r.PostForm.Get("maxPerSecond")); typed != "" {
		n, err := strconv.Atoi(typed)
		if err != nil || n < 1 || n > replay.MaxPerSecond {
			return invalid(map[string]string{"maxPerSecond": "must be a whole number from 1 to " + strconv.Itoa(replay.MaxPerSecond)}), nil //nolint:nilerr // the page shows the fault
		}
		change.MaxPerSecond = &n
	}
	s, err := c.o.Client.Replays.Update(r.Context(), r.PathValue("id"), change)
	if err != nil {
		return view{}, err
	}
	return done("/replays/"+s.ReplayID, "paced"), nil
}

// control pauses or resumes all replays, or auto-replay.
func (c *Console) control(r *http.Request) (view, error) {
	form, faults := r.PostForm, map[string]string{}
	paused := form.Get("do") == "pause"
	change := replay.ControlsChange{}
	if paused {
		change.Reason = reasonOf(form, faults)
	} else if form.Get("do") != "resume" {
		faults["do"] = "must be pause or resume"
	}
	switch form.Get("what") {
	case "replays":
		change.PauseReplays = &paused
	case "autoReplay":
		change.PauseAutoReplay = &paused
	default:
		faults["what"] = "must be replays or autoReplay"
	}
	if len(faults) > 0 {
		return invalid(faults), nil
	}
	if _, err := c.o.Client.Controls.Update(r.Context(), change); err != nil {
		return view{}, err
	}
	c.controls.forget()
	if paused {
		return done("/", form.Get("what")+"Paused"), nil
	}
	return done("/", form.Get("what")+"Resumed"), nil
}
