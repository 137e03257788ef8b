package ctl_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/test/engine"
	"github.com/ce873799/replayable-ingestion/test/gateway"
)

// world is an ingestion in this process, with its real handlers, and an operator in front of it.
type world struct {
	t       testing.TB
	engine  *engine.Engine
	gateway *gateway.Gateway
	process ctl.Process // of the next command; tests change it

	endpoint string // flags that lead to the account
}

// newWorld starts an ingestion whose API is served on this machine.
func newWorld(t testing.TB) *world {
	t.Helper()
	e := engine.InMemory(t, &engine.Faults{}, engine.Clock{Now: time.Now, SettleAfter: time.Hour})
	g := gateway.Serve(t, e.API, time.Now)
	w := &world{t: t, engine: e, gateway: g}
	w.process = ctl.Process{
		In:  strings.NewReader(""),
		Env: environment(map[string]string{"REPLAYCTL_API_URL": g.URL}),
		LoadAWS: func(_ context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
			return loaded(aws.Config{
				Region: gateway.Region, Credentials: credentials.NewStaticCredentialsProvider(gateway.AccessKey, gateway.SecretKey, ""),
			}, options)
		},
		Now: time.Now, Zone: time.UTC,
	}
	// Whenever a command waits, what it waits for happens.
	w.process.Sleep = func(ctx context.Context, _ time.Duration) error {
		e.Pump()
		return ctx.Err()
	}
	return w
}

// loaded applies the options that flags give to what was found without them.
func loaded(cfg aws.Config, options []func(*config.LoadOptions) error) (aws.Config, error) {
	var o config.LoadOptions
	for _, option := range options {
		if err := option(&o); err != nil {
			return cfg, err
		}
	}
	if o.Region != "" {
		cfg.Region = o.Region
	}
	if o.BaseEndpoint != "" {
		cfg.BaseEndpoint = &o.BaseEndpoint
	}
	return cfg, nil
}

func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// said is what a command did.
type said struct {
	code     ctl.Code
	out, err string
}

// run runs a command line, whose words are parted by spaces.
func (w *world) run(line string) said { return w.runWords(strings.Fields(line)...) }

func (w *world) runWords(args ...string) said {
	w.t.Helper()
	return w.runIn(w.t.Context(), args...)
}

func (w *world) runIn(ctx context.Context, args ...string) said {
	w.t.Helper()
	var out, errs bytes.Buffer
	p := w.process
	p.Args, p.Out, p.Err = args, &out, &errs
	code := ctl.Main(ctx, p)
	return said{code, out.String(), errs.String()}
}

// at puts the operator in front of a terminal, and has what is typed next.
func (w *world) at(typed string) {
	w.process.Terminal.In, w.process.Terminal.Err = true, true
	w.process.In = strings.NewReader(typed)
}

// ingest has events arrive and succeed.
func (w *world) ingest(ids ...string) {
	w.t.Helper()
	for i, id := range ids {
		w.engine.Ingest(fmt.Sprintf("live-%s-%d", id, i), fmt.Sprintf(`{"id":%q,"owner":"o1","n":%d}`, id, i))
	}
	w.engine.Report()
}

// wants checks how a command ended and that its streams have texts in them.
func (s said) wants(t testing.TB, code ctl.Code, out, errs []string) {
	t.Helper()
	if s.code != code {
		t.Errorf("got exit code %d, want %d", s.code, code)
	}
	for _, want := range out {
		if !strings.Contains(s.out, want) {
			t.Errorf("standard output lacks %q", want)
		}
	}
	for _, want := range errs {
		if !strings.Contains(s.err, want) {
			t.Errorf("standard error lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("standard output:\n%s\nstandard error:\n%s", s.out, s.err)
	}
}
