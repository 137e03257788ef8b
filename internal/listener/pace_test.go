package listener

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestWhatStartsAreTakenFrom(t *testing.T) {
	pace := Pace{StartsPerSecond: 30, RequestedStartsPerSecond: 100}
	for _, tt := range []struct {
		name   string
		of     domain.Replay
		budget string
		bound  int
		paced  bool
	}{
		{"a rerun shares", domain.Replay{ID: "r", Action: replay.Rerun}, "STARTS", 0, true},
		{"a rerun that asks for more has another budget", domain.Replay{ID: "r", Action: replay.Rerun, MaxPerSecond: 50}, "REQUESTED", 50, true},
		{"a redrive shares, and is as slow as its descriptions", domain.Replay{ID: "r", Action: replay.Redrive}, "STARTS", 5, true},
		{"a redrive that asks for less", domain.Replay{ID: "r", Action: replay.Redrive, MaxPerSecond: 2}, "STARTS", 2, true},
		{"a redrive that asks for more", domain.Replay{ID: "r", Action: replay.Redrive, MaxPerSecond: 50}, "STARTS", 5, true},
		{"a republish starts nothing", domain.Replay{ID: "r", Action: replay.Republish}, "OWN#r", 0, false},
		{"a dry run starts nothing", domain.Replay{ID: "r", Action: replay.Redrive, DryRun: true}, "", 0, false},
	} {
		b, c, paced := pace.budget(tt.of)
		if b.Name != tt.budget || c.MaxPerSecond != tt.bound || paced != tt.paced {
			t.Errorf("%s: got %s, %d a second, paced %t; want %s, %d, %t", tt.name, b.Name, c.MaxPerSecond, paced, tt.budget, tt.bound, tt.paced)
		}
	}
}
