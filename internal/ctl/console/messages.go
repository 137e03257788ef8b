package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// controlsLife is how old the banner on all pages may be. A pause by this console shows at once.
const controlsLife = 5 * time.Second

// doneField is the query parameter that says what was just done: a key of messages.
const doneField = "done"

// messages say what was done. An address names one of them by its key, so it cannot bring other text onto the page.
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

// done redirects to a page that says what was done.
func done(path, what string) view { return view{to: path + "?" + doneField + "=" + what} }

// address is the address of a page for sharing, without doneField.
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
	How    string // how it goes on
	Resume string // what the form resumes; empty: it goes on by itself
}

// notices lists what is paused. If that cannot be read, only the overview says so.
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

// noticed reads what is paused while the page is read. The returned function waits for it.
func (c *Console) noticed(r *http.Request) func() []notice {
	found := make(chan []notice, 1)
	go func() { found <- c.notices(r.Context()) }()
	return func() []notice { return <-found }
}
