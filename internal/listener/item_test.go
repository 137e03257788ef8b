package listener

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestWhatIsAnnounced(t *testing.T) {
	now, recorded, began := time.Unix(100, 0).UTC(), time.Unix(50, 0).UTC(), time.Unix(40, 0).UTC()
	v := eventlog.Version{ID: "v1", Meta: eventlog.Meta{Execution: "live-1", OwnerID: "o1", RecordedAt: recorded, FirstStartedAt: began}}
	it := domain.Item{ReplayID: "p1", Page: 1, Ordinal: 2, Index: 3, ResourceID: "r1"}
	announced := func(req replay.Request, patch *transform.Transform) domain.Execution {
		return announcement(&task{it: it, req: request{Request: req, transform: patch}}, v, now)
	}

	row := announced(replay.Request{Reason: "fixed", AllowStale: true, Publish: replay.PublishSuppress}, &transform.Transform{})
	if row.Name != domain.APIName("p1", "r1", 3) || row.Mode != domain.API || row.Status != domain.Starting {
		t.Errorf("got %s of mode %s, %s, want it to start under the name of the item", row.Name, row.Mode, row.Status)
	}
	if !row.Place.Equal(began) || !row.RecordedAt.Equal(recorded) || !row.StartedAt.Equal(now) {
		t.Errorf("got place %s, recorded %s, started %s, want those of the event, and now", row.Place, row.RecordedAt, row.StartedAt)
	}
	if !row.AllowStale || !row.Suppress || !row.Patched || row.Reason != "fixed" || row.OwnerID != "o1" || row.VersionID != "v1" {
		t.Errorf("got %+v, want what the request asks for", row)
	}
	if row.Correction != "" {
		t.Errorf("got correction %s, want none", row.Correction)
	}

	if row := announced(replay.Request{Versions: replay.Versions{Mode: replay.FailedVersion}}, nil); row.Name != domain.FailedName("p1", "r1", "v1") || row.Patched {
		t.Errorf("got %s, patched %t, want the name of the version that failed, as it is", row.Name, row.Patched)
	}
	v.Correction.Of = "v0"
	if row := announced(replay.Request{}, nil); row.Correction != "live-1" {
		t.Errorf("got correction %q, want the execution that recorded it", row.Correction)
	}
}
