// Package operator is an ingestion in this process, with its real handlers, and an operator of replayctl in front of
// it.
package operator

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/simtest/engine"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
)

// World is an ingestion in this process, with its real handlers, and an operator in front of it.
type World struct {
	T       testing.TB
	Engine  *engine.Engine
	Gateway *gateway.Gateway
	Process factory.Process // of the next command; tests change it

	Endpoint string // flags that lead to the account
}

// New starts an ingestion whose API is served on this machine.
func New(t testing.TB) *World {
	t.Helper()
	e := engine.InMemory(t, &engine.Faults{}, engine.Clock{Now: time.Now, SettleAfter: time.Hour})
	g := gateway.Serve(t, e.API, time.Now)
	w := &World{T: t, Engine: e, Gateway: g}
	w.Process = factory.Process{
		In:  strings.NewReader(""),
		Env: Environment(map[string]string{"REPLAYCTL_API_URL": g.URL}),
		LoadAWS: func(_ context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
			return Loaded(aws.Config{
				Region: gateway.Region, Credentials: credentials.NewStaticCredentialsProvider(gateway.AccessKey, gateway.SecretKey, ""),
			}, options)
		},
		Now: time.Now, Zone: time.UTC,
	}
	// Whenever a command waits, the world makes progress.
	w.Process.Sleep = func(ctx context.Context, _ time.Duration) error {
		e.Pump()
		return ctx.Err()
	}
	return w
}

// Said is what a command did.
type Said struct {
	Code     exit.Code
	Out, Err string
}

// Run runs a command line, whose words are separated by spaces.
func (w *World) Run(line string) Said { return w.RunWords(strings.Fields(line)...) }

// RunWords runs a command line, a word each.
func (w *World) RunWords(args ...string) Said {
	w.T.Helper()
	return w.RunIn(w.T.Context(), args...)
}

// RunIn runs a command line until it or the context ends.
func (w *World) RunIn(ctx context.Context, args ...string) Said {
	w.T.Helper()
	var out, errs bytes.Buffer
	p := w.Process
	p.Args, p.Out, p.Err = args, &out, &errs
	code := ctl.Main(ctx, p)
	return Said{code, out.String(), errs.String()}
}

// At connects the operator to a terminal with the given input.
func (w *World) At(typed string) {
	w.Process.Terminal.In, w.Process.Terminal.Err = true, true
	w.Process.In = strings.NewReader(typed)
}

// Wants checks the exit of a command, and that its streams contain strings.
func (s Said) Wants(t testing.TB, code exit.Code, out, errs []string) {
	t.Helper()
	if s.Code != code {
		t.Errorf("got exit code %d, want %d", s.Code, code)
	}
	for _, want := range out {
		if !strings.Contains(s.Out, want) {
			t.Errorf("standard output lacks %q", want)
		}
	}
	for _, want := range errs {
		if !strings.Contains(s.Err, want) {
			t.Errorf("standard error lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("standard output:\n%s\nstandard error:\n%s", s.Out, s.Err)
	}
}
