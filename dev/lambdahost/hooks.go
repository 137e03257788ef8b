package lambdahost

// Kill ends the processes of a function that run now, working or idle, and returns how many they were. An event that one
// of them worked on fails with Runtime.ExitError; the next event gets a new process.
func (h *Host) Kill(name string) (int, error) {
	f, err := h.function(name)
	if err != nil {
		return 0, err
	}
	return f.kill(), nil
}

// Invocations is how often the function was run, refused and waiting events not counted.
func (h *Host) Invocations(name string) (int, error) {
	f, err := h.function(name)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.invoked, nil
}

// Pause makes further events of a function wait until resume is called. Events that run are not touched.
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

// SetHook puts a hook before a function; nil takes it away. It replaces the hook before it.
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
