package follow_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestAReplayThatDoesNothingSaysSo(t *testing.T) {
	const nothing, skipped = "warning: the selection matched nothing, so nothing was started", "warning: the only item was skipped, so nothing was started"
	for _, tt := range []struct {
		name, line string
		code       exit.Code
		says       string
	}{
		{"nothing matched", "replay --owner nobody --reason x --wait", exit.OK, nothing},
		{"nothing matched, and that counts", "replay --owner nobody --reason x --wait --fail-on-skipped", exit.Skipped, nothing},
		{"no failures", "failures replay --reason x --wait --fail-on-skipped", exit.Skipped, nothing},
		{"everything skipped", "replay gone --reason x --wait", exit.OK, skipped},
		{"everything skipped, and that counts", "replay gone --reason x --wait --fail-on-skipped", exit.Skipped, skipped},
		{"something skipped, and that counts", "replay r1 gone --reason x --wait --fail-on-skipped", exit.Skipped, "1 item skipped:"},
		{"nothing skipped", "replay r1 --reason x --wait --fail-on-skipped", exit.OK, "COMPLETED"},
		{"a dry run of nothing", "replay --owner nobody --dry-run --fail-on-skipped", exit.Skipped, "matched nothing, so nothing would be started"},
		{"a dry run of what is skipped", "replay gone --dry-run --fail-on-skipped -o json", exit.Skipped, "the only item was skipped, so nothing would be started"},
		{"a dry run of something", "replay r1 --dry-run --fail-on-skipped", exit.OK, "nothing was started"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := operator.New(t)
			w.Ingest("r1")
			w.Run(tt.line).Wants(t, tt.code, nil, []string{tt.says})
			if tt.code == exit.Skipped && w.Run(tt.line+" --yes").Code == exit.OK {
				t.Error("got exit code 0 with --yes")
			}
		})
	}
	w := operator.New(t)
	w.Run("replay gone --reason x --wait").Wants(t, exit.OK, nil, nil)
	w.Run("status --wait --fail-on-skipped").Wants(t, exit.Skipped, nil, []string{skipped})
	w.Run("status --fail-on-skipped").Wants(t, exit.Usage, nil, []string{"--fail-on-skipped needs --wait"})
}

// What has failed or was stopped counts more than what was skipped.
func TestTheWorseExitCodeCounts(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "Down" }
	w.Run("replay r1 gone --reason x --wait --fail-on-skipped").Wants(t, exit.Failures, nil, nil)
	w.Run("replay r1 gone --reason x --wait --fail-on-skipped --max-failures 0").Wants(t, exit.Stopped, []string{"--max-failures is 0"}, nil)
}
