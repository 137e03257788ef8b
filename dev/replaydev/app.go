package replaydev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/local"
)

// local makes of the flags what is to be deployed. The tools and the place are missing. What is wrong with the app's directory
// is noticed here, before anything starts.
func (o options) local(dir string) (local.Options, error) {
	opts := local.Options{App: o.app, Stacks: o.stacks, Context: map[string]string{}}
	for _, c := range o.context {
		key, value, ok := strings.Cut(c, "=")
		if !ok || key == "" {
			return opts, fmt.Errorf("%w: --context must be KEY=VALUE, got %q", command.ErrUsage, c)
		}
		opts.Context[key] = value
	}
	if info, err := os.Stat(o.app); err == nil && info.IsDir() { // a cloud assembly: the CLI deploys it from another directory
		opts.App, err = filepath.Abs(o.app)
		return opts, err
	}
	app, err := appOf(dir)
	switch {
	case o.app != "":
		app = o.app
	case err != nil:
		return opts, fmt.Errorf("%w: %w", command.ErrUsage, err)
	}
	return opts, checkModule(dir, app)
}

// appOf reads the command of the app from cdk.json.
func appOf(dir string) (string, error) {
	file := filepath.Join(dir, "cdk.json")
	b, err := os.ReadFile(file) //nolint:gosec // of the user's app
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s has no cdk.json: change to the directory of your CDK app, or give its command with --app", dir)
	}
	if err != nil {
		return "", err
	}
	var config struct {
		App *string `json:"app"`
	}
	if err := json.Unmarshal(b, &config); err != nil {
		return "", fmt.Errorf(`%s is not valid: %w: it must be a JSON object such as {"app": "go run ."}`, file, err)
	}
	if config.App == nil || strings.TrimSpace(*config.App) == "" {
		return "", fmt.Errorf(`%s has no app: set it to the command that synthesizes, such as {"app": "go run ."}, or use --app`, file)
	}
	return *config.App, nil
}

// checkModule returns an error if an app in Go is not in a module.
func checkModule(dir, app string) error {
	words := strings.Fields(app)
	if len(words) < 2 || words[0] != "go" || words[1] != "run" || strings.Contains(app, "-C") || os.Getenv("GO111MODULE") == "off" {
		return nil
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return nil
		}
		if at == filepath.Dir(at) {
			return fmt.Errorf("%w: the app is %q, and there is no go.mod in %s or above it: run go mod init and go mod tidy there", command.ErrUsage, app, dir)
		}
	}
}
