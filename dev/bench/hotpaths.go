package bench

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/dev/bench/hot"
	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// hotPaths are the packages that have benchmarks beside their code, each with the yardstick among them.
var hotPaths = []string{"record", "envelope", "ledger", "transform"}

const yardstick = "Yardstick"

// best is the fastest run of a benchmark, by the time of the processor. What it allocates is the same in all.
type best struct{ ns, bytes float64 }

// hot runs the benchmarks beside the code, and divides each by its package's yardstick.
func (r *run) hot(ctx context.Context) (rows []Row, err error) {
	for _, pkg := range hotPaths {
		results, order, err := r.benchmarks(ctx, pkg)
		if err != nil {
			return nil, err
		}
		unit, ok := results[yardstick]
		if !ok {
			return nil, fmt.Errorf("package %s: %w", pkg, errNoYardstick)
		}
		for _, name := range order {
			if name == yardstick {
				continue
			}
			b := results[name]
			rows = append(rows,
				list("Hot path "+pkg+"."+name+": time, of decoding the event", b.ns/unit.ns, ratio),
				list("Hot path "+pkg+"."+name+": bytes allocated, of decoding the event", b.bytes/unit.bytes, ratio))
		}
	}
	return rows, nil
}

var errNoYardstick = fmt.Errorf("no benchmark %s: %w", yardstick, ErrUnknownPart)

// benchmarks runs the benchmarks of a package in rounds, so that each of them meets the machine in the same moods.
func (r *run) benchmarks(ctx context.Context, pkg string) (results map[string]best, order []string, err error) {
	dir, err := r.temp()
	if err != nil {
		return nil, nil, err
	}
	program := filepath.Join(dir, pkg+".test")
	if err := r.command(ctx, nil, "go", "test", "-c", "-o", program, "./internal/"+pkg); err != nil {
		return nil, nil, err
	}
	results = map[string]best{}
	for range r.Sizes.Rounds {
		var said strings.Builder
		cmd := exec.Command(program, "-test.run", "^$", "-test.bench", ".", "-test.benchmem", "-test.benchtime", "40ms") //nolint:gosec // just built
		cmd.Dir = dir
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := proc.Run(ctx, cmd); err != nil {
			return nil, nil, fmt.Errorf("benchmarks of %s: %w\n%s", pkg, err, said.String())
		}
		for lines := bufio.NewScanner(strings.NewReader(said.String())); lines.Scan(); {
			name, b, ok := parseBenchmark(lines.Text())
			if !ok {
				continue
			}
			before, again := results[name]
			if !again {
				order = append(order, name)
			} else if before.ns < b.ns {
				b = before
			}
			results[name] = b
		}
	}
	return results, order, nil
}

// parseBenchmark reads a line such as "BenchmarkRead-2  17516  9438 ns/op  9102 cpu-ns/op  3592 B/op  70 allocs/op".
func parseBenchmark(line string) (name string, b best, ok bool) {
	fields := strings.Fields(line)
	name, ok = strings.CutPrefix(line, "Benchmark")
	if !ok || len(fields) < 4 {
		return "", b, false
	}
	name, _, _ = strings.Cut(strings.Fields(name)[0], "-") // the number of processors follows
	values := map[string]float64{}
	for i := 2; i+1 < len(fields); i += 2 {
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", b, false
		}
		values[fields[i+1]] = n
	}
	b = best{values[hot.Unit], values["B/op"]}
	return name, b, b.ns > 0
}
