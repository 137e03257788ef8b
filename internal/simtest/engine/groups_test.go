package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// groupsOf requests the groups of failures.
func groupsOf(t *testing.T, e *Engine) (g replay.FailureGroups) {
	t.Helper()
	answer := e.Call("GET", "/failures/groups", "", nil, nil)
	if err := json.Unmarshal([]byte(answer.Body), &g); err != nil || answer.StatusCode != 200 {
		t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
	}
	return g
}

// listed requests failures in pages of two.
func listed(t *testing.T, e *Engine, query map[string]string) (all []replay.Failure) {
	t.Helper()
	asked := map[string]string{"limit": "2"}
	for name, value := range query {
		asked[name] = value
	}
	for range 100 {
		answer := e.Call("GET", "/failures", "", nil, asked)
		var page replay.Failures
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 {
			t.Fatalf("%v: got %d %s, want 200", query, answer.StatusCode, answer.Body)
		}
		if all = append(all, page.Failures...); page.NextCursor == "" {
			return all
		}
		asked["cursor"] = page.NextCursor
	}
	t.Fatal("pages without end")
	return nil
}

// inGroups lists the groups of failures, such as "HELD Down Work 12".
func inGroups(g replay.FailureGroups) (all []string) {
	for _, one := range g.Groups {
		all = append(all, fmt.Sprintln(one.Status, one.Error, one.Count))
	}
	slices.Sort(all)
	return all
}

func perLine(all ...string) []string {
	for i := range all {
		all[i] += "\n"
	}
	return all
}

func TestAnOutageIsShownByWhatItsFailuresShare(t *testing.T) {
	e := inMemory(t)
	e.Reconfigure(func(p *config.AutoReplay) { p.BackoffBase, p.MaxBackoff = time.Hour, time.Hour })
	e.Machine.Work = failing(outage, never)
	for i := range 20 { // more than the canary's threshold
		e.Ingest(fmt.Sprintf("live-%02d", i), fmt.Sprintf(`{"id":"r%d","owner":"o%d"}`, i, i%2))
	}
	e.Machine.Work = failing("BadPrice", never)
	e.Ingest("live-bad", `{"id":"bad","owner":"o1"}`)
	e.Report()
	if g := groupsOf(t, e); len(g.Groups) > 0 || g.NotTakenIn != nil {
		t.Errorf("got %+v, want nothing: no failure is recorded, and dead letters are not counted", g)
	}
	e.API.DeadLetters = depth(21)
	if g := groupsOf(t, e); g.NotTakenIn == nil || *g.NotTakenIn != 21 {
		t.Errorf("got %+v, want 21 failures that are not taken in", g)
	}
	e.API.DeadLetters = depth(-1)
	if g := groupsOf(t, e); g.NotTakenIn != nil {
		t.Errorf("got %+v, want nothing of what is not known", g)
	}

	e.Schedule()
	g := groupsOf(t, e)
	if got, want := inGroups(g), perLine("QUARANTINED BadPrice 1", "WAITING "+outage+" 20"); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	first := g.Groups[0]
	if first.Error != outage || first.State == "" || first.NextAt == nil || first.Before != nil || first.Sample == nil ||
		first.Sample.ResourceID == "" || first.FirstAt.After(first.LastAt) {
		t.Errorf("got %+v, want the largest group first, with its next attempt and a sample", first)
	}
	if last := g.Groups[1]; last.NextAt != nil || last.Sample == nil || last.Sample.Execution != "live-bad" {
		t.Errorf("got %+v, want no attempt of what is in quarantine", last)
	}

	// When they are due, they are too many, so all but the probe are held.
	e.Ahead = 61 * time.Minute
	e.Schedule()
	g = groupsOf(t, e)
	want := perLine("HELD "+outage+" 19", "QUARANTINED BadPrice 1", "RETRYING "+outage+" 1")
	if got := inGroups(g); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	held := g.Groups[0]
	if held.Status != replay.FailureHeld || held.NextAt == nil || held.NextAt.After(time.Now().Add(2*time.Hour)) {
		t.Errorf("got %+v, want the time of the next probe, not that at which they are given up", held)
	}
	for _, tt := range []struct {
		query map[string]string
		want  int
	}{
		{nil, 1},
		{map[string]string{"status": "HELD"}, 19},
		{map[string]string{"status": "HELD", "error": "Geocoder*"}, 19},
		{map[string]string{"status": "HELD", "error": "Bad*"}, 0},
		{map[string]string{"status": "RETRYING"}, 1},
		{map[string]string{"status": "WAITING"}, 0},
		{map[string]string{"status": "CLOSED"}, 0},
		{map[string]string{"ownerId": "o1"}, 1},
		{map[string]string{"ownerId": "o0"}, 0},
		{map[string]string{"resourceId": "bad"}, 1},
		{map[string]string{"resourceId": "bad", "status": "HELD"}, 0},
		{map[string]string{"state": held.State, "cause": "e"}, 1},
		{map[string]string{"state": "Unknown"}, 0},
		{map[string]string{"cause": "unheard-of"}, 0},
	} {
		if got := listed(t, e, tt.query); len(got) != tt.want {
			t.Errorf("%v: got %d failures, want %d", tt.query, len(got), tt.want)
		}
	}
}

// depth simulates the depth of a queue. A negative depth cannot be read.
type depth int

func (d depth) Waiting(context.Context) (int, error) {
	if d < 0 {
		return 0, fmt.Errorf("read depth: %w", context.DeadlineExceeded)
	}
	return int(d), nil
}

func TestGroupsTellHowTheyHaveChanged(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing("BadPrice", never)
	count := func(n int, ago time.Duration) {
		tally := domain.FailureTally{Groups: []domain.FailureGroup{{Status: replay.FailureQuarantined, Error: "BadPrice", State: "Work", Count: n}}}
		if err := e.Book.Failures.SaveCount(t.Context(), domain.CountedAt(tally, time.Now().Add(-ago))); err != nil {
			t.Fatal(err)
		}
	}
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Schedule()
	state := groupsOf(t, e).Groups[0].State
	count(99, 3*time.Hour) // too long ago
	if g := groupsOf(t, e); g.BeforeAt != nil || g.Groups[0].Before != nil {
		t.Errorf("got %+v, want no comparison with another day", g)
	}
	count(7, 70*time.Minute)
	count(3, 20*time.Minute) // too young
	g := groupsOf(t, e)
	want := 0
	if state == "Work" {
		want = 7
	}
	if g.BeforeAt == nil || time.Since(*g.BeforeAt) < time.Hour || g.Groups[0].Before == nil || *g.Groups[0].Before != want {
		t.Errorf("got %+v, want %d about an hour ago", g.Groups[0], want)
	}
}

// A run that cannot count all failures keeps its partial count, and the next one continues.
func TestACountGoesOnFromRunToRun(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing("BadPrice", never)
	for i := range 30 {
		e.Ingest(fmt.Sprint("live-", i), fmt.Sprintf(`{"id":"r%d"}`, i))
	}
	e.Report()
	part := domain.FailureTally{}
	e.Schedule()
	if err := e.Book.Failures.Count(t.Context(), &part, 7); err != nil || part.Done {
		t.Fatalf("got %+v, %v, want a part", part, err)
	}
	kept, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	mark := domain.Mark{Name: "count-failures", Active: true, Token: string(kept), TakenAt: domain.At(time.Now())}
	if err := e.Book.Marks.Save(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // a count has its time to the millisecond
	e.Schedule()
	c, err := e.Book.Failures.Counted(t.Context(), time.Time{}, time.Now())
	total := c.Others
	for _, g := range c.Groups { // one for each state, as far as it was asked for
		total += g.Count
	}
	if err != nil || total != 30 {
		t.Errorf("got %+v, %v, want all 30 counted once", c, err)
	}
	if m, err := e.Book.Marks.Get(t.Context(), "count-failures"); err != nil || m.Token != "" || m.Active {
		t.Errorf("got %+v, %v, want the next count to begin anew", m, err)
	}
}
