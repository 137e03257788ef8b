// Package factory makes what every command needs: streams, global flags, the ingestion that is meant, and a client of
// its API.
package factory

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Factory is what the commands share.
type Factory struct {
	Process Process
	Printer *output.Printer // of data; set by Prepare

	// Moment is when the command began. Every relative time counts from it, in whole milliseconds as the API has them:
	// a clock that goes on would give the parts of one request different times.
	Moment time.Time

	// Transform is the flag that says how events are changed, such as --merge-patch; empty without one.
	Transform string

	flags  flags
	global *pflag.FlagSet // the flags that every command has

	target    *stack.Target // found once
	apiURL    string        // of target
	awsRegion string        // of the AWS configuration
	lacks     []stack.Lack  // of --local
}

// New returns the factory of a process.
func New(p Process) *Factory { return &Factory{Process: p} }

// Say tells the person something. Data goes through out.
func (f *Factory) Say(format string, args ...any) {
	_, _ = fmt.Fprintf(f.Process.Err, format+"\n", args...)
}

// PaintErr sets off what is said.
func (f *Factory) PaintErr(c output.Color, text string) string {
	p := output.Printer{Color: f.Process.Terminal.Err && f.colors()}
	return p.Paint(c, text)
}

// colors reports whether colors are wanted where there is a terminal: no-color.org.
func (f *Factory) colors() bool {
	return !f.flags.noColor && f.Process.Env("NO_COLOR") == "" && f.Process.Env("TERM") != "dumb"
}

// Client connects to the API of the ingestion that is meant.
func (f *Factory) Client(ctx context.Context) (*client.Client, error) {
	t, err := f.Find(ctx)
	if err != nil {
		return nil, err
	}
	return f.Connect(*t, client.Config{Transport: f.Process.Transport, Retrying: f.retrying})
}

// Connect makes a client of an ingestion's API.
func (f *Factory) Connect(t stack.Target, cfg client.Config) (*client.Client, error) {
	cfg.BaseURL, cfg.Region, cfg.Credentials = t.APIURL, t.Region, t.AWS.Credentials
	cfg.UserAgent, cfg.Now, cfg.Sleep = "replayctl/"+Version(), f.Process.Now, f.Process.Sleep
	api, err := client.New(cfg)
	if err != nil {
		return nil, exit.Usagef("%w", err)
	}
	return api, nil
}
