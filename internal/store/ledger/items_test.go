package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestItemsAtReadsAllInOneCall(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	ok(t, l.Replays.Add(t.Context(), domain.Replay{ID: "p", Status: replay.Pending, CreatedAt: domain.At(time.Now())}))
	for n, ids := range [][]string{{"a", "b", "c"}, {"d"}} {
		p := domain.Page{ReplayID: "p", Number: n, Next: "more"}
		ok(t, l.Pages.Add(t.Context(), domain.Replay{ID: "p"}, p, entries(ids), false))
	}
	before := table.Calls
	positions := []domain.Position{{Page: 0, Ordinal: 2}, {Page: 1, Ordinal: 0}, {Page: 0, Ordinal: 0}, {Page: 0, Ordinal: 2}}
	got, err := l.Items.At(t.Context(), "p", positions)
	ok(t, err)
	want(t, "calls", table.Calls-before, 1)
	want(t, "items", len(got), 3)
	for position, resource := range map[domain.Position]string{positions[0]: "c", positions[1]: "d", positions[2]: "a"} {
		want(t, "resource", got[position].ResourceID, resource)
	}
	if _, err := l.Items.At(t.Context(), "p", append(positions, domain.Position{Page: 7})); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("an item that is not there: got %v, want ErrNotFound", err)
	}
	none, err := l.Items.At(t.Context(), "p", nil)
	if err != nil || len(none) != 0 {
		t.Errorf("no positions: got %v, %v", none, err)
	}
}
