package bench

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/process"
)

const nodeFunction = "Node.js"

//go:embed node/package.json node/package-lock.json node/npmrc node/function.mjs
var node embed.FS

// installNode installs the Node.js function that cold starts are compared with, and returns the command that starts it.
func (r *run) installNode(ctx context.Context) ([]string, error) {
	dir := filepath.Join(r.Tools.Root, "build", "bench-node")
	lock, err := node.ReadFile("node/package-lock.json")
	if err != nil {
		return nil, fmt.Errorf("read embedded files: %w", err)
	}
	argv := []string{filepath.Join(r.Tools.NodeBin, "node"), filepath.Join(dir, "function.mjs")}
	stamp := filepath.Join(dir, ".stamp")
	if got, err := os.ReadFile(stamp); err == nil && string(got) == string(lock) { //nolint:gosec // below build
		return argv, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("install the Node.js function: %w", err)
	}
	for from, to := range map[string]string{
		"package.json": "package.json", "package-lock.json": "package-lock.json", "function.mjs": "function.mjs",
		"npmrc": ".npmrc",
	} {
		body, err := node.ReadFile("node/" + from)
		if err != nil {
			return nil, fmt.Errorf("read embedded files: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), body, 0o600); err != nil {
			return nil, fmt.Errorf("install the Node.js function: %w", err)
		}
	}
	r.say("installing the Node.js function that cold starts are compared with")
	if err := r.command(ctx, nil, "npm", "ci", "--no-progress", "--prefix", dir); err != nil {
		return nil, err
	}
	return argv, os.WriteFile(stamp, lock, 0o600)
}

// cold times how long each function takes from exec until it asks for its first event. The programs take turns.
func (r *run) cold(ctx context.Context) ([]Row, error) {
	programs, err := r.functions(ctx)
	if err != nil {
		return nil, err
	}
	compared, err := r.installNode(ctx)
	if err != nil {
		return nil, err
	}
	programs[nodeFunction] = program{argv: compared}
	took := map[string][]float64{} // milliseconds
	for n := range r.Sizes.Starts + 1 {
		for name, p := range programs { // the order differs each time
			ready, err := start(ctx, p)
			if err != nil {
				return nil, fmt.Errorf("start %s: %w", name, err)
			}
			if n > 0 { // the first start reads the program from disk
				took[name] = append(took[name], float64(ready)/1e6)
			}
		}
	}
	ofNode := median(took[nodeFunction])
	rows := []Row{list("Cold start of Node.js with the same clients", ofNode, "ms")}
	delete(programs, nodeFunction)
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		ms := median(took[name])
		rows = append(rows,
			list("Cold start of "+name, ms, "ms"),
			most("Cold start of "+name+", of Node.js", 100*ms/ofNode, percent, 5))
	}
	return rows, nil
}

func start(ctx context.Context, p program) (ready time.Duration, err error) {
	running, err := process.Start(ctx, p.argv, p.env)
	if err != nil {
		return 0, err
	}
	defer running.Stop()
	return running.Ready, nil
}
