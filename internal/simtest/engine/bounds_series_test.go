package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestALongSeriesIsSettledFromMessageToMessage(t *testing.T) {
	const lookUps, versions = 50, 200 // of one message
	for name, tt := range map[string]struct {
		bound    int // versions whose end was never reported
		messages int
	}{
		"of which nothing was bound":          {0, replay.MaxSeriesVersions / versions},
		"of which every version was bound":    {replay.MaxSeriesVersions, replay.MaxSeriesVersions / lookUps},
		"of which the first half was bound":   {500, 500/lookUps + 2},
		"of which a message's worth is bound": {lookUps, replay.MaxSeriesVersions / versions},
	} {
		t.Run(name, func(t *testing.T) {
			table := &counted{Client: awstest.NewTable()}
			e := table.engine(t, time.Now)
			id := longSeries(t, e, 1, time.Now())
			for i := range tt.bound {
				it, err := e.Book.Items.Get(t.Context(), id, 0, 0, i)
				must(t, err)
				must(t, e.Book.Items.Bind(t.Context(), it, domain.Execution{
					Name: fmt.Sprint("rp-", i), Mode: domain.API, Status: domain.Starting, ResourceID: "r0", VersionID: it.Want,
					StartedAt: domain.At(time.Now()), ReplayID: id, Index: i,
				}))
			}
			first := protocol.ReplayMessage{Kind: protocol.KindClose, Series: domain.SeriesName(id, 0, 0), Reason: "it was aborted"}
			messages := 0
			for bodies := []string{first.Encode()}; len(bodies) > 0; bodies = withoutEvidence(e.Replays.TakeAll()) {
				messages++
				describes, transactions := e.Machine.Describes, table.transactions.Load()
				if e.Listen(bodies...) > 0 || len(bodies) > 1 {
					t.Fatalf("message %d was refused, or is not alone: %v", messages, bodies)
				}
				describes, transactions = e.Machine.Describes-describes, table.transactions.Load()-transactions
				if describes > lookUps || transactions > 5 {
					t.Fatalf("message %d took %d look-ups and %d transactions, want at most %d and 5", messages, describes, transactions, lookUps)
				}
			}
			r, err := e.Book.Replays.Get(t.Context(), id)
			must(t, err)
			if r.Status != replay.Completed || r.Skipped != replay.MaxSeriesVersions || messages != tt.messages {
				t.Errorf("got %s with %d items skipped by %d messages, want COMPLETED, all and %d", r.Status, r.Skipped, messages,
					tt.messages)
			}
			s, err := e.Book.Series.Get(t.Context(), domain.SeriesName(id, 0, 0))
			if must(t, err); s.Open() {
				t.Error("the series is open still")
			}
		})
	}
}

func TestALongSeriesIsPlannedFromMessageToMessage(t *testing.T) {
	e := inMemory(t)
	for i := range replay.MaxSeriesVersions {
		meta := eventlog.Meta{Execution: fmt.Sprint("x", i), OwnerID: "o1", RecordedAt: time.Now(), StartedAt: time.Now()}
		_, err := e.Log.Put(t.Context(), "r1", []byte(event("r1", "o1", i)), meta)
		must(t, err)
	}
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":{"series":"all"},"dryRun":true,"reason":"a test"}`)
	further := 0
	for bodies := e.Replays.TakeAll(); len(bodies) > 0; bodies = e.Replays.TakeAll() {
		e.Bucket.Calls = 0
		if e.Listen(bodies...) > 0 {
			t.Fatal("refused")
		}
		if strings.Contains(bodies[0], `"from":`) {
			if further++; e.Bucket.Calls > 210 {
				t.Errorf("message %d took %d calls of S3, want about 200 at most", further, e.Bucket.Calls)
			}
		}
	}
	if further != 4 {
		t.Errorf("got %d further messages, want 4 of 200 versions each", further)
	}
	r := get(t, e, id)
	if r.Status != replay.Planned || r.Plan == nil || r.Plan.Items != replay.MaxSeriesVersions {
		t.Errorf("got %s, %+v, want PLANNED with all versions", r.Status, r.Plan)
	}
}
