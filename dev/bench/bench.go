// Package bench measures what the construct costs: time, memory, calls and money. Targets are ratios of two things that
// are measured in turn within the same run, so the speed of the machine cancels out.
//
// docs/performance.md explains each figure.
package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/cost"
	"github.com/ce873799/replayable-ingestion/dev/report"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// Options select what is measured.
type Options struct {
	Tools  toolchain.Tools
	Out    io.Writer // progress, and the table
	Report string    // file of the rows, as JSON. Empty: none
	Only   []string  // names of parts; none: all
	Update bool      // write the measurements to the baseline, and update the tables of the documents
	Sizes  Sizes
}

// Sizes say how much is measured.
type Sizes struct {
	Settling   time.Duration // time before starts are counted, in which the token bucket empties and connections open
	Window     time.Duration // time in which starts are counted
	Resources  [2]int        // of the selections that are expanded
	Starts     int           // of each function
	Synths     int           // of each app
	EndToEnd   [2]int        // sales on the emulator
	CostEvents int           // events of which the calls are counted
	Failures   int           // of the outage
}

// Full is what `make bench` measures.
func Full() Sizes {
	return Sizes{
		Settling: 3 * time.Second, Window: 8 * time.Second, Resources: [2]int{10_000, 1_000_000}, Starts: 30,
		Synths: 5, EndToEnd: [2]int{250, 1_000}, CostEvents: 100, Failures: 100_000,
	}
}

// run is one run.
type run struct {
	Options
	assembly string // of the example's stages, once it is synthesized
	dirs     []string
	workload cost.Workload // usage of the events, once they were counted
}

// part measures some rows.
type part struct {
	name    string
	measure func(*run, context.Context) ([]Row, error)
	noisy   bool // it is measured again if a row misses its target
}

func parts() []part {
	return []part{
		{"synth", (*run).synth, true},
		{"cold", (*run).cold, true},
		{"listener", (*run).listener, true},
		{"tracker", (*run).tracker, true},
		{"expand", (*run).expand, true},
		{"outage", (*run).outage, false},
		{"cost", (*run).costs, false},
		{"emulator", (*run).emulated, true},
	}
}

// Parts are the names of the parts that can be measured separately.
func Parts() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// ErrRegression means that a row is worse than the baseline.
var ErrRegression = errors.New("worse than the baseline")

// ErrUnknownPart means that no part has this name.
var ErrUnknownPart = errors.New("no such part")

//go:embed baseline.json
var baseline []byte

// Baseline is the committed measurement.
func Baseline() (rows []Row, err error) {
	if err := json.Unmarshal(baseline, &rows); err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	return rows, nil
}

// attempts is how often a part that depends on the machine's load is measured until its rows meet their targets.
const attempts = 2

// Run measures, prints the table and writes the report. The error is ErrRegression if a row is worse than the baseline.
func Run(ctx context.Context, opts Options) ([]Row, error) {
	before, err := Baseline()
	if err != nil {
		return nil, err
	}
	for _, name := range opts.Only {
		if !slices.Contains(Parts(), name) {
			return nil, fmt.Errorf("%q: %w: there are %s", name, ErrUnknownPart, strings.Join(Parts(), ", "))
		}
	}
	r := &run{Options: opts}
	defer r.clean()
	var rows []Row
	for _, p := range parts() {
		if len(opts.Only) > 0 && !slices.Contains(opts.Only, p.name) {
			continue
		}
		measured, err := r.part(ctx, p, before)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, measured...)
	}
	r.say("")
	Print(r.Out, rows)
	if err := report.Write(opts.Report, rows); err != nil {
		return rows, err
	}
	if opts.Update {
		return rows, r.update(rows, before)
	}
	if worse := Regressions(rows, before); len(worse) > 0 {
		return rows, fmt.Errorf("%w:\n  %s", ErrRegression, strings.Join(worse, "\n  "))
	}
	return rows, nil
}

func (r *run) part(ctx context.Context, p part, before []Row) (rows []Row, err error) {
	for n := 1; ; n++ {
		began := time.Now()
		if rows, err = p.measure(r, ctx); err != nil {
			return nil, err
		}
		r.say("%-10s %5.1f s", p.name, time.Since(began).Seconds())
		worse := Regressions(rows, before)
		if len(worse) == 0 || !p.noisy || n == attempts {
			return rows, nil
		}
		r.say("measured again, since: %s", strings.Join(worse, "; "))
	}
}

func (r *run) say(format string, args ...any) { _, _ = fmt.Fprintf(r.Out, format+"\n", args...) }

// temp makes a directory that is removed at the end of the run.
func (r *run) temp() (string, error) {
	build := filepath.Join(r.Tools.Root, "build")
	if err := os.MkdirAll(build, 0o750); err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	dir, err := os.MkdirTemp(build, "bench-")
	if err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	r.dirs = append(r.dirs, dir)
	return dir, nil
}

// clean removes the files of the run. `make clean` removes the rest.
func (r *run) clean() {
	for _, dir := range r.dirs {
		_ = os.RemoveAll(dir)
	}
}
