// Package console is the web console of an ingestion: an http.Handler that shows failures and replays them, with the
// public client of the replay API. `replayctl console` serves it on the operator's machine.
//
// Pages are rendered on the server and work without scripts. Events, causes and ids are not trusted: html/template
// escapes each by its context, and with the policy in guard.go, a browser runs no script but the files of this package.
package console

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Payloads says how much of an event is shown.
type Payloads string

// Payload modes.
const (
	PayloadsNone   Payloads = "none"   // events are not read at all
	PayloadsMasked Payloads = "masked" // names and types, without values
	PayloadsFull   Payloads = "full"
)

// PayloadModes lists the payload modes.
func PayloadModes() []Payloads { return []Payloads{PayloadsNone, PayloadsMasked, PayloadsFull} }

// Alarm is a CloudWatch alarm of the ingestion.
type Alarm struct {
	Name   string
	State  string // OK, ALARM or INSUFFICIENT_DATA
	Reason string
	URL    string // in the AWS console; empty: there is none
	Since  time.Time
}

// Options is what a console needs. Client is required.
type Options struct {
	Client *client.Client

	// The target of writes. Each page shows it.
	Stage      string // name of the stack
	Ingestion  string // path of the construct
	Account    string
	Region     string
	Production bool // a write needs the name of the stage typed in

	Transforms []string // functions of the prop Transforms, which the wizard offers; nil: they are not known

	ReadOnly bool     // refuses every write
	Payloads Payloads // default: PayloadsFull

	Now  func() time.Time // default: time.Now
	Zone *time.Location   // for local times beside UTC; default: UTC, which shows none

	// Command adds the flags that select this ingestion to a command line of replayctl; default: it adds none.
	Command func(line string) string
	// ExecutionURL returns the page of an execution in the AWS console; default, or if it returns "": no link.
	ExecutionURL func(name string) string
	// Alarms reads the alarms of the ingestion; nil: they are not known.
	Alarms func(ctx context.Context) ([]Alarm, error)
	// Activity reads how many executions started and ended lately; nil: that is not known.
	Activity func(ctx context.Context) (Activity, error)
}

// Console serves the pages.
type Console struct {
	o       Options
	token   token
	session string // value of the cookie
	handler http.Handler
	past    *past

	activity kept[Activity]
	controls kept[replay.Controls]
}

// New returns a console. A browser signs in at Login.
func New(o Options) *Console {
	if o.Payloads == "" {
		o.Payloads = PayloadsFull
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Command == nil {
		o.Command = func(line string) string { return "replayctl " + line }
	}
	if o.ExecutionURL == nil {
		o.ExecutionURL = func(string) string { return "" }
	}
	c := &Console{o: o, session: rand.Text(), token: token{text: rand.Text()}, past: newPast()}
	c.activity.read, c.activity.life = o.Activity, activityLife
	c.controls.read, c.controls.life = o.Client.Controls.Get, controlsLife
	c.handler = c.guard(c.routes())
	return c
}

// Login is the path at which one browser can sign in, once.
func (c *Console) Login() string { return loginPath + "?token=" + c.token.text }

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	for path, read := range map[string]func(*http.Request) (view, error){
		"/{$}": c.overview, "/failures": c.failures, "/failures/jobs": c.jobs, "/resource": c.resource, "/version": c.version,
		"/diff": c.diff, "/replays": c.replays, "/replays/new": c.newReplay, "/replays/{id}": c.replay, "/search": c.search,
		"/replays/{id}/evidence": c.evidence, "/correct": c.newCorrection,
		"/replays/{id}/cancel": c.askToCancel, "/owner": c.owner,
	} {
		mux.HandleFunc("GET "+path, c.page(read))
	}
	for path, do := range map[string]func(*http.Request) (view, error){
		"/failures/close": c.closeFailures, "/failures/reopen": c.reopenFailures,
		"/replays/{id}/apply": c.apply, "/replays/{id}/cancel": c.cancel, "/correct": c.correct,
		"/replays/{id}/pause": c.pause, "/replays/{id}/resume": c.resume, "/replays/{id}/pace": c.pace, "/controls": c.control,
	} {
		mux.HandleFunc("POST "+path, c.change(do))
	}
	mux.HandleFunc("POST /command", c.showLine)
	mux.HandleFunc("POST /replays/plan", c.ask(c.plan)) // starts nothing
	mux.HandleFunc("POST /replays/preview", c.form(c.showPreview))
	mux.HandleFunc("POST /correct/preview", c.form(c.previewCorrection))
	mux.HandleFunc("POST /correct/confirm", c.form(c.confirmCorrection))
	mux.HandleFunc("GET /", c.page(func(*http.Request) (view, error) { return view{}, errNoPage }))
	return mux
}
