package dev_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// install puts a program in the place of replaydev.
func install(t *testing.T, w *operator.World, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "replaydev"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	w.Process.Env = operator.Environment(map[string]string{"PATH": filepath.Join(dir, "none") + string(os.PathListSeparator) + dir})
}

func TestDevSaysHowToInstallReplaydev(t *testing.T) {
	w := operator.New(t)
	w.Run("dev").Wants(t, exit.General, nil, []string{
		"replaydev is not installed", "go install github.com/ce873799/replayable-ingestion/dev/cmd/replaydev@",
	})
}

func TestDevHandsEverythingOver(t *testing.T) {
	w := operator.New(t)
	install(t, w, `echo "got $*"; read line; echo "read $line" >&2; exit 3`)
	w.Process.In = strings.NewReader("enter\n")
	w.RunWords("dev", "--stack", "Orders", "--context", "a=b c", "--watch").
		Wants(t, exit.Failures, []string{"got --stack Orders --context a=b c --watch"}, []string{"read enter"})
}

// Ctrl-C reaches replaydev, which ends as it sees fit.
func TestDevWaitsForReplaydevToStop(t *testing.T) {
	w := operator.New(t)
	install(t, w, `trap 'echo stopped; exit 0' TERM
touch "$1"; while :; do sleep 0.05; done`)
	up := filepath.Join(t.TempDir(), "up")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(up); err == nil {
				cancel()
			}
		}
	}()
	w.RunIn(ctx, "dev", up).Wants(t, exit.OK, []string{"stopped"}, nil)
}
