//go:build linux

// Package proc runs child processes that never outlive this one: they get their own process group, which is asked to
// stop and then killed. If this process dies without stopping them, the kernel kills them.
package proc

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Grace is how long a process may take to stop after SIGTERM before it is killed.
const Grace = 5 * time.Second

// starts hands commands to one OS thread: Pdeathsig fires when the thread that started the child ends, not the process,
// and Go may end threads at any time.
var starts = sync.OnceValue(func() chan func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread() // never unlocked: the thread lives as long as the process
		for call := range calls {
			call()
		}
	}()
	return calls
})

// Process is a started child.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; read after done is closed
}

// Start starts a command in its own process group.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	// A grandchild that keeps the output open must not block Wait.
	cmd.WaitDelay = Grace
	started := make(chan error, 1)
	starts() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
		p.signal(syscall.SIGKILL) // processes that the leader left in its group
	}()
	return p, nil
}

// Pid is the id of the process and of its group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed once the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended; nil is an exit with code 0. Call it after Done is closed.
func (p *Process) Err() error { return p.err }

// ExitState describes the end, for example "exit status 1". Call it after Done is closed.
func (p *Process) ExitState() string { return p.cmd.ProcessState.String() }

// Kill ends the whole group at once and waits until it has.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// Stop asks the whole group to end, kills it after the grace period, and waits until it has ended.
func (p *Process) Stop(grace time.Duration) {
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.Kill()
	}
}

func (p *Process) signal(s syscall.Signal) {
	// ESRCH means that the group has ended, which is what the caller wants.
	_ = syscall.Kill(-p.cmd.Process.Pid, s)
}

// Run runs a command to its end. When the context ends first, the group is stopped and the context's error returned.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		if err := p.Err(); err != nil {
			return fmt.Errorf("%s: %w", cmd.Args[0], err)
		}
		return nil
	case <-ctx.Done():
		p.Stop(Grace)
		return fmt.Errorf("%s: %w", cmd.Args[0], context.Cause(ctx))
	}
}

// Session lists the processes of a session: all descendants of its leader that did not start their own session.
func Session(leader int) ([]string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var members []string
	for _, e := range entries {
		fields := stat(e.Name())
		if len(fields) > 3 && fields[3] == strconv.Itoa(leader) && fields[0] != "Z" {
			cmdline, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
			if err != nil || len(cmdline) == 0 {
				continue // it has released its memory and is about to end
			}
			members = append(members, fmt.Sprintf("%s %q", e.Name(), cmdline))
		}
	}
	return members, nil
}

// stat is what the kernel says about a process after the name of its command: state, parent, group, session and more. It is
// empty if there is no such process.
func stat(pid string) []string {
	b, _ := os.ReadFile(filepath.Join("/proc", pid, "stat")) //nolint:gosec // a file of the kernel
	text := string(b)
	return strings.Fields(text[strings.LastIndex(text, ")")+1:]) // the name is in parentheses and may hold any character
}
