package local

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

func (r *run) timed(step string, do func() error) error {
	began := time.Now()
	defer r.signOfLife(step, began)()
	if err := do(); err != nil {
		return err
	}
	t := Timing{Step: step, Took: time.Since(began)}
	r.mu.Lock()
	r.stack.Timings = append(r.stack.Timings, t)
	r.mu.Unlock()
	r.say("%-22s %5.1f s", t.Step, t.Took.Seconds())
	return nil
}

// lifeInterval is how often a step says that it goes on.
const lifeInterval = 20 * time.Second

// signOfLife says that a step goes on, until the returned function is called.
func (r *run) signOfLife(step string, began time.Time) (stop func()) {
	ticker, done := time.NewTicker(lifeInterval), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				r.say("%-22s %5.0f s, goes on", step, time.Since(began).Seconds())
			}
		}
	})
	return func() {
		ticker.Stop()
		close(done)
		wg.Wait()
	}
}

func (r *run) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stack.note(format, args...)
	if r.opts.Progress != nil {
		_, _ = fmt.Fprintf(r.opts.Progress, format+"\n", args...)
	}
}

// relative shortens a path of the app for display.
func (r *run) relative(path string) string {
	if rel, err := filepath.Rel(r.home.App, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
