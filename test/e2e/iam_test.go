package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ce873799/replayable-ingestion/dev/faultproxy"
	"github.com/ce873799/replayable-ingestion/dev/iam"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/test/calls"
)

// notes are the calls that the functions of all stacks make. test/synth holds them against the policies of every
// stage and variant.
type notes struct {
	mu      sync.Mutex
	proxies []*faultproxy.Proxy
	stacks  map[*local.Stack]*iam.Recorder
}

var noted notes

// start starts a stack whose functions reach the emulator through a proxy that notes their calls.
func (n *notes) start(ctx context.Context, opts local.Options) (*local.Stack, error) {
	recorder := &iam.Recorder{}
	opts.FunctionEndpoint = func(emulator string) (string, error) {
		proxy, err := faultproxy.Start(faultproxy.Options{Backend: emulator, Observe: recorder.Observe})
		if err != nil {
			return "", err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.proxies = append(n.proxies, proxy)
		return proxy.URL(), nil
	}
	s, err := local.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stacks == nil {
		n.stacks = map[*local.Stack]*iam.Recorder{}
	}
	n.stacks[s] = recorder
	return s, nil
}

// stop stops the proxies. Stop the stacks first.
func (n *notes) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.proxies {
		p.Stop()
	}
	n.proxies = nil
}

// check compares the calls with those that are kept. Calls that are kept and that nothing makes are found when all
// tests ran; with -update, what was noted is kept.
func (n *notes) check() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var got []iam.Call
	var errs []error
	for s, recorder := range n.stacks {
		calls, err := recorder.Calls(s.Outputs)
		errs = append(errs, err)
		got = append(got, calls...)
	}
	kept, err := calls.Read()
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("calls of functions: %w", err)
	}
	all := lookup("test.run") == ""
	if *update {
		if !all {
			got = append(got, kept...)
		}
		return calls.Write(got)
	}
	for _, c := range got {
		if !slices.Contains(kept, c) {
			errs = append(errs, fmt.Errorf("%s calls %s on %s %s for the first time: go test ./test/e2e -update, then "+
				"go test ./test/synth -run TestEveryCallIsAllowed", c.Function, c.Action, c.Resource, c.Prefix))
		}
	}
	for _, c := range kept {
		if all && !slices.Contains(got, c) {
			errs = append(errs, fmt.Errorf("%s does not call %s on %s %s any more: go test ./test/e2e -update",
				c.Function, c.Action, c.Resource, c.Prefix))
		}
	}
	return errors.Join(errs...)
}
