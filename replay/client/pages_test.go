package client_test

import (
	"fmt"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

func TestAPageLeadsToTheNext(t *testing.T) {
	s := serve(t, "")
	const n = 5
	for i := range n {
		s.engine.Machine.Work = func(string, string) (string, string) { return "", "Bad" }
		s.engine.Ingest(fmt.Sprintf("bad-%d", i), fmt.Sprintf(`{"id":"f%d","owner":"o1"}`, i))
		s.engine.Report()
		s.engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
		s.engine.Ingest(fmt.Sprintf("good-%d", i), `{"id":"r1","owner":"o2"}`)
		s.engine.Report()
		if _, err := s.Replays.Create(t.Context(), "", replay.Request{Select: replay.Select{ResourceIDs: []string{"r1"}}, Versions: replay.Versions{Mode: replay.LatestVersion}, Reason: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	s.engine.Schedule()
	c := s.WithPageSize(2)
	for name, read := range map[string]func(cursor string) (entries int, next string, err error){
		"versions": func(cursor string) (int, string, error) {
			p, err := c.Versions.ListPage(t.Context(), "r1", cursor)
			return len(p.Versions), p.NextCursor, err
		},
		"replays": func(cursor string) (int, string, error) {
			p, err := c.Replays.ListPage(t.Context(), "", cursor)
			return len(p.Replays), p.NextCursor, err
		},
		"failures": func(cursor string) (int, string, error) {
			p, err := c.Failures.ListPage(t.Context(), replay.FailureQuery{OwnerID: "o1"}, cursor)
			return len(p.Failures), p.NextCursor, err
		},
		"resources": func(cursor string) (int, string, error) {
			p, err := c.Resources.ListPage(t.Context(), "o1", cursor)
			return len(p.Resources), p.NextCursor, err
		},
		"executions": func(cursor string) (int, string, error) {
			p, err := c.Executions.ListPage(t.Context(), replay.ExecutionQuery{Status: replay.EndFailed}, cursor)
			return len(p.Executions), p.NextCursor, err
		},
	} {
		got, cursor := 0, ""
		for pages := 0; pages == 0 || cursor != ""; pages++ {
			entries, next, err := read(cursor)
			if err != nil || entries > 2 || pages > n {
				t.Fatalf("%s: got %d entries on page %d, %v", name, entries, pages, err)
			}
			got, cursor = got+entries, next
		}
		if got != n {
			t.Errorf("%s: got %d entries on all pages, want %d", name, got, n)
		}
	}
	if _, err := c.Replays.ListItemsPage(t.Context(), "01KAV7Q0ZJ4M3T5W8X9Y2B6C7D", "", ""); !client.NotFound(err) {
		t.Errorf("got %v, want that there is no such replay", err)
	}
	if p, err := c.Failures.ListJobsPage(t.Context(), ""); err != nil || len(p.Jobs) != 0 {
		t.Errorf("got %+v, %v, want no jobs", p, err)
	}
}
