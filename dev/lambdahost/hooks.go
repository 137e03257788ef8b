package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNotReady means that a program did not ask for an event in time, or ended first.
var ErrNotReady = errors.New("the program did not ask for an event")

// Warm starts a process of a function ahead of its first event. It returns how long it took from exec until the process
// asked for one, and the id of the process.
func (h *Host) Warm(ctx context.Context, name string) (ready time.Duration, pid int, err error) {
	f, err := h.function(name)
	if err != nil {
		return 0, 0, err
	}
	p, _, err := f.acquire()
	if err != nil {
		return 0, 0, err
	}
	defer f.release(p)
	init := time.NewTimer(initTimeout)
	defer init.Stop()
	select {
	case at := <-p.polled:
		return at.Sub(p.began), p.child.Pid(), nil
	case <-p.child.Done():
		err = ErrNotReady
	case <-init.C:
		err = fmt.Errorf("%w within %s", ErrNotReady, initTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.child.Kill()
	return 0, 0, fmt.Errorf("warm %s: %w", name, err)
}

// Kill ends the running processes of a function, busy or idle, and returns their number. Their events fail with
// Runtime.ExitError; the next event gets a new process.
func (h *Host) Kill(name string) (int, error) {
	f, err := h.function(name)
	if err != nil {
		return 0, err
	}
	return f.kill(), nil
}

// Invocations is how often the function ran, without rejected and waiting events.
func (h *Host) Invocations(name string) (int, error) {
	f, err := h.function(name)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.invoked, nil
}

// Pause makes further events of a function wait until resume is called. Running events are not affected.
func (h *Host) Pause(name string) (resume func(), err error) {
	f, err := h.function(name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused == nil {
		f.paused = make(chan struct{})
	}
	pause := f.paused
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.paused == pause {
			close(pause)
			f.paused = nil
		}
	}, nil
}

// SetHook sets or replaces the hook of a function. nil removes it.
func (h *Host) SetHook(name string, hook Hook) error {
	f, err := h.function(name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
	return nil
}
