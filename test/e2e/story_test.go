package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/demo"
	"github.com/ce873799/replayable-ingestion/dev/local"
)

// story is the demo, on a stack of its own, while the other tests run.
var story task[demoResult]

type demoResult struct {
	text   string
	report map[string]float64
}

func tellStory(ctx context.Context) (demoResult, error) {
	s, err := stacks.start(ctx, local.Options{App: sys.Assembly()})
	if err != nil {
		return demoResult{}, err
	}
	defer s.Stop()
	dir, err := os.MkdirTemp("", "demo-")
	if err != nil {
		return demoResult{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var out bytes.Buffer
	report := filepath.Join(dir, "demo.json")
	system, err := s.System()
	if err != nil {
		return demoResult{}, err
	}
	err = demo.Run(ctx, system, demo.Options{LogDir: s.LogDir, Out: &out, Report: report})
	result := demoResult{text: out.String()}
	if err != nil {
		return result, err
	}
	body, err := os.ReadFile(report)
	if err != nil {
		return result, err
	}
	return result, json.Unmarshal(body, &result.report)
}

func TestTheDemoTellsItsStory(t *testing.T) {
	t.Parallel()
	r := story.wait(t)
	for _, field := range []string{
		"ingested", "recordedVersions", "succeeded", "failed", "autoReplayed", "healed", "superseded",
		"replays", "planned", "apiReplayed", "startedItems", "corrected", "inSeries", "republished", "cancelled", "beforeCancel",
		"published", "storedOutputs", "receivedDownstream", "receivedLive", "receivedTargeted", "premiumOffers", "seconds",
	} {
		if r.report[field] <= 0 {
			t.Errorf("%s: got %v, want more", field, r.report[field])
		}
	}
	for _, field := range []string{
		"lost", "quarantined", "liveReplays", "othersReplays", "startedByDryRuns", "outOfOrder", "miscounted", "deadLetters",
	} {
		if n, found := r.report[field]; !found || n != 0 {
			t.Errorf("%s: got %v (%v), want 0", field, n, found)
		}
	}
	if r.report["ingested"] < 300 {
		t.Errorf("got %v events, want about 300", r.report["ingested"])
	}
	if got, want := r.report["receivedDownstream"], r.report["published"]+r.report["republished"]; got != want {
		t.Errorf("%v messages downstream, want %v", got, want)
	}
	for _, text := range []string{
		"Events come in", "geocoder breaks down", "quarantined", "be skipped", "has no published output that is stored",
		"$ replayctl replay --failures --error InvalidListing", "~ /listing/priceUsd  -1 →", "nothing was started", "0 executions were started", "oldest first", "CANCELLED", "What became of them", "LOST",
		"What the metrics say", "outputs published again",
	} {
		if !strings.Contains(r.text, text) {
			t.Errorf("the story lacks %q:\n%s", text, r.text)
		}
	}
	if t.Failed() {
		t.Logf("figures: %v", r.report)
	}
}
