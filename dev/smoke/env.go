package smoke

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// env is the environment of the checks.
type env struct {
	*observe.System
	Options
	ingestion config.Manifest
	id        string // of this run
}

func newEnv(cfg aws.Config, opts Options) (*env, error) {
	if err := checkOutputs(opts.Outputs); err != nil {
		return nil, err
	}
	stack := observe.FromOutputs(opts.Outputs)
	stack.APIURL = cmp.Or(opts.APIURL, stack.APIURL)
	opts.APIURL = stack.APIURL
	system, err := observe.New(cfg, cfg, stack)
	if err != nil {
		return nil, err
	}
	system.API, err = client.New(client.Config{
		BaseURL: stack.APIURL, Region: cfg.Region, Credentials: cfg.Credentials,
		Attempts: 1, // a check reports a 5xx: another attempt would hide it
	})
	e := &env{System: system, Options: opts, id: strings.ToLower(rand.Text()[:10])}
	for _, output := range opts.Outputs {
		if m, err := config.DecodeManifest(output); err == nil {
			e.ingestion = m
		}
	}
	return e, err
}

// resource is an id that no other check or run uses. owner is the id of its owner.
func (e *env) resource(check string) (id, owner string) {
	return "smoke-" + e.id + "-" + check, "smoke-agency-" + e.id + "-" + check
}

// start starts an execution with an event and returns its name.
func (e *env) start(ctx context.Context, event []byte) (string, error) {
	name := "smoke-" + strings.ToLower(rand.Text())
	return name, e.StartExecution(ctx, name, string(event))
}

// ingest starts an execution with an event and waits until it ends with the given status.
func (e *env) ingest(ctx context.Context, event []byte, want types.ExecutionStatus) (*sfn.DescribeExecutionOutput, error) {
	name, err := e.start(ctx, event)
	if err != nil {
		return nil, err
	}
	return e.ended(ctx, name, want)
}

// ended waits until an execution has ended. Another status than the one wanted is an error.
func (e *env) ended(ctx context.Context, name string, want types.ExecutionStatus) (*sfn.DescribeExecutionOutput, error) {
	var got *sfn.DescribeExecutionOutput
	err := eventually(ctx, "execution "+name+" ends", func() (done bool, err error) {
		got, err = e.Describe(ctx, name)
		return got != nil && got.Status != types.ExecutionStatusRunning, err
	})
	if err != nil {
		return nil, err
	}
	if got.Status != want {
		return nil, fmt.Errorf("execution %s is %s, want %s: %s %s", name, got.Status, want, aws.ToString(got.Error),
			shorten(aws.ToString(got.Cause)))
	}
	return got, nil
}

// during runs f while the geocoder is in a mode, and always restores it.
func (e *env) during(ctx context.Context, mode string, f func() error) (err error) {
	if err := e.Geocoder(ctx, mode); err != nil {
		return err
	}
	defer func() {
		// Even if ctx has ended, because the stack must not remain broken.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, e.Geocoder(undo, observe.GeocoderOK))
	}()
	return f()
}

const pollEvery = 300 * time.Millisecond

// eventually polls until the answer is true, or fails and says what it waited for.
func eventually(ctx context.Context, what string, ask func() (done bool, err error)) error {
	return observe.Eventually(ctx, pollEvery, what, func(context.Context) (bool, error) { return ask() })
}

func shorten(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
