// Package process starts a function's program as Lambda does. It measures the time until the program asks for its first
// event, and the memory that it takes.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
)

// Process is a program that has asked for its first event.
type Process struct {
	// Ready is how long it took from exec to the first poll.
	Ready time.Duration

	host *lambdahost.Host
	pid  int
	logs string
}

const function = "function"

// Start starts a program with the variables that Lambda sets and those given, and waits for its first poll.
func Start(ctx context.Context, argv []string, env map[string]string) (*Process, error) {
	logs, err := os.MkdirTemp("", "bench-logs-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for logs: %w", err)
	}
	p := &Process{logs: logs}
	if p.host, err = lambdahost.Start(lambdahost.Options{LogDir: logs, Region: "us-east-1"}); err != nil {
		_ = os.RemoveAll(logs)
		return nil, err
	}
	err = p.host.Add(lambdahost.Function{
		Name: function, Bootstrap: argv[0], Args: argv[1:], Handler: "bootstrap", MemoryMB: 512, Timeout: 15 * time.Minute,
		ARN: "arn:aws:lambda:us-east-1:000000000000:function:function", Env: env,
	})
	if err == nil {
		p.Ready, p.pid, err = p.host.Warm(ctx, function)
	}
	if err != nil {
		said, _ := os.ReadFile(filepath.Join(logs, function+".log")) //nolint:gosec // the error tells enough without
		p.Stop()
		return nil, fmt.Errorf("%s: %s: %w", argv[0], strings.TrimSpace(string(said)), err)
	}
	return p, nil
}

// ErrFunction means that the function failed.
var ErrFunction = errors.New("the function failed")

// Invoke runs one event. An error of the function is ErrFunction.
func (p *Process) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := p.host.Invoke(ctx, function, payload)
	if err == nil && answer.Failed {
		err = fmt.Errorf("%w: %s", ErrFunction, answer.Payload)
	}
	return answer.Payload, err
}

// Stop ends the process.
func (p *Process) Stop() {
	p.host.Stop()
	_ = os.RemoveAll(p.logs) // below the directory for temporary files
}

// PeakMemory is the largest resident set of the process since it started, in bytes.
func (p *Process) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	value, _, _ := strings.Cut(rest, " kB")
	kb, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return kb << 10, nil
}
