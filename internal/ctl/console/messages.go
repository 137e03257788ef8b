package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// controlsLife is how long the banner of all pages may be old. What this console pauses is there at once.
const controlsLife = 5 * time.Second

// doneField is where an address has what was just done: a key of messages.
const doneField = "done"

// messages say what was done. An address can name one of them, and bring no other text onto the page.
var messages = map[string]string{
	"planned":           "The plan is being made. Nothing has started.",
	"applied":           "The plan is applied: this replay runs it.",
	"cancelled":         "The replay is cancelled. What has run stays as it is.",
	"paused":            "The replay is paused.",
	"resumed":           "The replay goes on.",
	"paced":             "The pace is changed.",
	"corrected":         "The correction is accepted: this replay records it, and runs it.",
	"closed":            "The failures are being closed.",
	"reopened":          "The failures are being reopened.",
	"replaysPaused":     "All replays are paused.",
	"replaysResumed":    "Replays go on.",
	"autoReplayPaused":  "Auto-replay is paused.",
	"autoReplayResumed": "Auto-replay goes on.",
}

// done leads to a page that says what was done.
func done(path, what string) view { return view{to: path + "?" + doneField + "=" + what} }

// address is that of a page as it is shared: without what was just done.
func address(u *url.URL) string {
	if !u.Query().Has(doneField) {
		return u.RequestURI()
	}
	return withQuery(u, func(q url.Values) { q.Del(doneField) })
}

func withQuery(u *url.URL, change func(url.Values)) string {
	q := u.Query()
	change(q)
	if len(q) == 0 {
		return u.EscapedPath()
	}
	return u.EscapedPath() + "?" + q.Encode()
}

// notice says on every page that something is paused.
type notice struct {
	Text string // what is paused
	replay.Pause
	How    string // it goes on
	Resume string // what a form resumes; empty: it goes on by itself
}

// notices lists what is paused. Where it cannot be read, the overview says so.
func (c *Console) notices(ctx context.Context) (all []notice) {
	controls, err := c.controls.get(ctx, c.o.Now())
	if err != nil {
		return nil
	}
	if p := controls.Replays.Paused; p != nil {
		all = append(all, notice{"All replays are paused", *p, c.o.Command("resume --all"), "replays"})
	}
	if p := controls.AutoReplay.Paused; p != nil {
		all = append(all, notice{"Auto-replay is paused", *p, c.o.Command("resume --auto-replay"), "autoReplay"})
	}
	if p := controls.PauseAlarm; p != nil {
		all = append(all, notice{Text: "PauseAlarm is in ALARM: replays and auto-replay wait", Pause: *p})
	}
	return all
}

// noticed reads what is paused beside a page. The returned function waits for it.
func (c *Console) noticed(r *http.Request) func() []notice {
	found := make(chan []notice, 1)
	go func() { found <- c.notices(r.Context()) }()
	return func() []notice { return <-found }
}
