package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/simtest/engine"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// desk is a console in front of an ingestion of listings in this process.
type desk struct {
	t       testing.TB
	engine  *engine.Engine
	gateway *gateway.Gateway
	console *console.Console
	url     string

	behind atomic.Int64 // by which the clocks of the ingestion are behind, in nanoseconds
	mended atomic.Bool  // what was wrong with the geocoder

	n       int      // events so far
	samples sync.Map // causes by execution
}

// sit starts an ingestion in which nothing has happened, and a console. change alters its options.
func sit(t testing.TB, change func(*console.Options)) *desk {
	t.Helper()
	d := &desk{t: t}
	d.engine = engine.InMemory(t, &engine.Faults{}, engine.Clock{Now: d.now, SettleAfter: time.Hour, Publish: d.now, Republish: d.now})
	d.engine.Machine.Now = d.now
	d.engine.Recorder.Timed(d.now)
	d.engine.Machine.Work, d.engine.Machine.Cause = d.work, d.cause
	d.engine.Reconfigure(func(p *config.AutoReplay) { p.RetryOn = []string{"GeocoderUnavailable"} })
	d.gateway = gateway.Serve(t, d.engine.API, time.Now)
	api, err := client.New(client.Config{
		BaseURL: d.gateway.URL, Region: gateway.Region,
		Credentials: credentials.NewStaticCredentialsProvider(gateway.AccessKey, gateway.SecretKey, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := console.Options{
		Client: api, Stage: "listings-dev", Ingestion: "listings-dev/Listings", Account: "000000000000", Region: gateway.Region,
		Zone: time.FixedZone("PST", -8*3600),
		ExecutionURL: func(name string) string {
			return "https://us-east-1.console.aws.amazon.com/states/home#/v2/executions/details/" + name
		},
		Alarms: func(context.Context) ([]console.Alarm, error) {
			return []console.Alarm{
				{Name: "listings-dev-QuarantineAlarm", State: "ALARM", Since: d.now().Add(-time.Hour),
					Reason: "Failures are in quarantine. Correct the cause or the events, then replay them."},
				{Name: "listings-dev-UnaccountedAlarm", State: "OK", Since: d.now().Add(-48 * time.Hour)},
			}, nil
		},
		Activity: func(context.Context) (console.Activity, error) { return d.activity(), nil },
	}
	if change != nil {
		change(&o)
	}
	d.console = console.New(o)
	server := httptest.NewServer(d.console)
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

// activity is that of an hour in which every third execution fails from its middle on.
func (d *desk) activity() console.Activity {
	const minutes = 60
	started, failed := console.ActivityLine{Name: "started"}, console.ActivityLine{Name: "failed"}
	for i := range minutes {
		at := d.now().Add(-time.Minute * time.Duration(minutes-i))
		n := 24 + 6*(i%5)
		started.Points = append(started.Points, console.ActivityPoint{At: at, Value: float64(n)})
		if i < minutes/2 {
			n = 0
		}
		failed.Points = append(failed.Points, console.ActivityPoint{At: at, Value: float64(n / 3)})
	}
	return console.Activity{Lines: []console.ActivityLine{started, failed}}
}

func (d *desk) now() time.Time { return time.Now().Add(-time.Duration(d.behind.Load())) }

// ago has the ingestion be in the past.
func (d *desk) ago(behind time.Duration) {
	d.behind.Store(int64(behind))
	d.engine.Ahead = -behind
}

// listing is an event.
type listing struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	Type  string `json:"eventType"`
	Price int    `json:"priceUsd"`
	Area  int    `json:"livingAreaSqft"`
	ZIP   string `json:"zipcode"`
	Note  string `json:"note,omitempty"`
	Error string `json:"error,omitempty"` // with which its execution fails
}

const nowhere = "99999" // the ZIP code that the geocoder rejects until it is mended

// work is the workflow of the ingestion.
func (d *desk) work(execution, event string) (output, fault string) {
	var l listing
	if err := json.Unmarshal([]byte(event), &l); err != nil {
		return "", "Unreadable"
	}
	switch {
	case l.Error != "":
		d.samples.Store(execution, l.Note)
		return "", l.Error
	case l.Price < 0:
		d.samples.Store(execution, lambdaCause("InvalidListing", fmt.Sprintf("listing.priceUsd must be a number from 0 up, got %d", l.Price)))
		return "", "InvalidListing"
	case l.ZIP == nowhere && !d.mended.Load():
		d.samples.Store(execution, lambdaCause("GeocoderRejected", "the geocoder rejects ZIP code "+l.ZIP))
		return "", "GeocoderRejected"
	}
	return event, ""
}

func (d *desk) cause(execution string) string {
	text, _ := d.samples.Load(execution)
	s, _ := text.(string) // work stored one
	return s
}

// lambdaCause is the cause that Step Functions has of a function's error.
func lambdaCause(kind, message string) string {
	b, err := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	if err != nil {
		panic(err) // texts
	}
	return string(b)
}

// send has an event arrive and run to its end.
func (d *desk) send(l listing) {
	d.t.Helper()
	if l.Type == "" {
		l.Type = "ListingSold"
	}
	b, err := json.Marshal(l)
	if err != nil {
		d.t.Fatal(err)
	}
	d.n++
	d.engine.Ingest(fmt.Sprintf("in-%04d", d.n), string(b))
	d.engine.Report()
}

// fine is the n-th listing, with nothing wrong about it.
func fine(n int) listing {
	return listing{
		ID: fmt.Sprintf("L-%d", 100+n), Owner: fmt.Sprintf("A-%d", 1+n%5), Price: 400_000 + 12_500*n, Area: 1_200 + 35*n, ZIP: "98029",
	}
}

// Failures of an incident.
const (
	rejected = 20
	invalid  = 10
)

// incident has listings arrive for three hours. For half of them the geocoder has rejected a ZIP code, and an agency sends
// prices that make no sense.
func (d *desk) incident() {
	d.t.Helper()
	for i := range 40 {
		d.ago(3*time.Hour - time.Duration(i)*time.Minute)
		d.send(fine(i))
	}
	for i := range rejected + invalid {
		d.ago(95*time.Minute - 3*time.Minute*time.Duration(i))
		l := fine(i)
		if l.Price += 10_000; i%3 == 2 {
			l.Price = -1
		} else {
			l.ZIP = nowhere
		}
		d.send(l)
		d.engine.Schedule()
	}
	d.ago(0)
	d.engine.Schedule()
}

// run has the ingestion go on until the test ends: messages are delivered, and executions run and end, as AWS does it. The
// listener waits for its pace, and executions run meanwhile.
func (d *desk) run() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.t.Context()))
	var done sync.WaitGroup
	for _, do := range []func() error{
		func() error { _, err := d.engine.Deliver(ctx); return err },
		func() error { d.engine.Run(ctx); return d.engine.World.Report(ctx) },
	} {
		done.Go(func() {
			ticker := time.NewTicker(50 * time.Millisecond)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
				}
				if err := do(); err != nil && ctx.Err() == nil {
					d.t.Error(err)
				}
			}
		})
	}
	d.t.Cleanup(func() { cancel(); done.Wait() })
}

// enter opens a tab and lets it in.
func (d *desk) enter() *tab {
	d.t.Helper()
	b := newTab(d.t, d.url)
	b.open(d.console.Login())
	b.sees("Overview")
	return b
}

// replays lists what was started, dry runs included, newest first.
func (d *desk) replays() (all []replay.Summary) {
	d.t.Helper()
	answer := d.engine.Call("GET", "/replays", "", nil, nil)
	var page replay.Replays
	if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 {
		d.t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
	}
	return page.Replays
}
