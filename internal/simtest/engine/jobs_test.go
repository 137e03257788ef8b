package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/failurejob"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// beginJob asks to close or reopen failures.
func beginJob(t *testing.T, e *Engine, action replay.FailureAction, body string) (j replay.FailureJob) {
	t.Helper()
	answer := e.Call("POST", "/failures/"+string(action), body, nil, nil)
	if err := json.Unmarshal([]byte(answer.Body), &j); err != nil || answer.StatusCode != 202 || answer.Headers["Location"] == "" {
		t.Fatalf("got %d %s, want 202", answer.StatusCode, answer.Body)
	}
	return j
}

func jobOf(t *testing.T, e *Engine, id string) (j replay.FailureJob) {
	t.Helper()
	answer := e.Call("GET", "/failures/jobs/{jobId}", "", map[string]string{"jobId": id}, nil)
	if err := json.Unmarshal([]byte(answer.Body), &j); err != nil || answer.StatusCode != 200 {
		t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
	}
	return j
}

// quarantineSome makes a range of resources fail, and moves them to the quarantine.
func quarantineSome(e *Engine, from, to int) {
	work := e.Machine.Work
	e.Machine.Work = failing("BadPrice", never)
	for i := from; i < to; i++ {
		e.Ingest(fmt.Sprintf("live-%04d", i), fmt.Sprintf(`{"id":"r%d","owner":"o%d"}`, i, i%2))
	}
	e.Machine.Work = work
	e.Report()
	e.Schedule()
}

func TestAJobClosesWhatItSelectsAndReopensIt(t *testing.T) {
	e := inMemory(t)
	quarantineSome(e, 0, 30)
	dry := beginJob(t, e, replay.CloseFailures, `{"select":{"ownerId":"o1"},"reason":"not needed","dryRun":true}`)
	e.Pump()
	if got := jobOf(t, e, dry.JobID); got.Status != replay.Completed || got.Count != 15 || len(inQuarantine(t, e)) == 0 {
		t.Errorf("got %+v, want 15 counted", got)
	}
	if n := len(listed(t, e, nil)); n != 30 {
		t.Errorf("%d in quarantine after a dry run, want 30", n)
	}

	job := beginJob(t, e, replay.CloseFailures, `{"select":{"ownerId":"o1"},"reason":"not needed"}`)
	if job.Status != replay.Running || job.Count != 0 || job.Select.OwnerID != "o1" || job.Select.Status != replay.FailureQuarantined {
		t.Errorf("got %+v", job)
	}
	e.Pump()
	if got := jobOf(t, e, job.JobID); got.Status != replay.Completed || got.Count != 15 || got.RequestedBy == "" || got.Reason != "not needed" {
		t.Errorf("got %+v, want 15 closed", got)
	}
	closed := listed(t, e, map[string]string{"status": "CLOSED"})
	if len(closed) != 15 || len(listed(t, e, nil)) != 15 || len(listed(t, e, map[string]string{"status": "CLOSED", "jobId": job.JobID})) != 15 {
		t.Errorf("%d are closed, want 15, and 15 left", len(closed))
	}
	for _, f := range closed {
		if f.OwnerID != "o1" || f.JobID != job.JobID || !strings.Contains(f.Decision, "not needed") || !strings.Contains(f.Decision, job.RequestedBy) {
			t.Fatalf("got %+v, want who closed it and why", f)
		}
	}
	if g := groupsOf(t, e); len(g.Groups) != 1 || g.Groups[0].Count != 15 {
		t.Errorf("got %+v, want what is closed left out", g.Groups)
	}
	history := e.Call("GET", "/versions", "", nil, map[string]string{"resourceId": "r1"})
	if !strings.Contains(history.Body, `"status":"CLOSED"`) || !strings.Contains(history.Body, "not needed") {
		t.Errorf("got %s, want it in the history", history.Body)
	}

	back := beginJob(t, e, replay.ReopenFailures, fmt.Sprintf(`{"select":{"jobId":%q},"reason":"too many"}`, job.JobID))
	e.Pump()
	if got := jobOf(t, e, back.JobID); got.Count != 15 || got.Action != replay.ReopenFailures || len(listed(t, e, nil)) != 30 {
		t.Errorf("got %+v, want all in quarantine again", got)
	}
	answer := e.Call("GET", "/failures/jobs", "", nil, map[string]string{"limit": "2"})
	var page replay.FailureJobs
	if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || len(page.Jobs) != 2 || page.Jobs[0].JobID != back.JobID || page.NextCursor == "" {
		t.Errorf("got %s, want the newest two jobs", answer.Body)
	}
	if answer := e.Call("GET", "/failures/jobs/{jobId}", "", map[string]string{"jobId": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, nil); answer.StatusCode != 404 {
		t.Errorf("got %d, want 404 of an unknown job", answer.StatusCode)
	}
}

// What an operator closed, and is replayed with success all the same, has healed. Its history says both.
func TestAClosedFailureThatIsReplayedHeals(t *testing.T) {
	e := inMemory(t)
	quarantineSome(e, 0, 2)
	job := beginJob(t, e, replay.CloseFailures, `{"select":{"error":"BadPrice"},"reason":"not needed"}`)
	e.Pump()
	id := ask(t, e, `{"select":{"resourceIds":["r0"]},"reason":"needed after all"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, oneRan)
	f := failure(t, e, "live-0000")
	want := "replayed with success; before that closed by unknown: not needed"
	if f.Status != domain.Healed || f.HealedBy != domain.APIName(id, "r0", 0) || f.Decision != want || f.Job != job.JobID {
		t.Errorf("got %+v, want it healed, and who closed it", f)
	}
	if left := listed(t, e, map[string]string{"status": "CLOSED"}); len(left) != 1 || left[0].Execution != "live-0001" {
		t.Errorf("got %+v closed, want the other one", left)
	}
	back := beginJob(t, e, replay.ReopenFailures, fmt.Sprintf(`{"select":{"jobId":%q},"reason":"too many"}`, job.JobID))
	e.Pump()
	if got := jobOf(t, e, back.JobID); got.Count != 1 || failure(t, e, "live-0000").Status != domain.Healed {
		t.Errorf("got %+v, want only what is closed reopened", got)
	}
	equal(t, e, map[string]float64{"Closed": 2, "Healed": 1, "Failures": 2})
}

// Failures arrive, heal and are quarantined between the request and the job's messages. A failure that the caller did
// not mean is never closed.
func TestClosingIsFrozenWhileFailuresArrive(t *testing.T) {
	e := inMemory(t)
	quarantineSome(e, 0, 20)
	e.Machine.Work = failing("BadPrice", never)
	e.Ingest("live-dead-letter", `{"id":"dead","owner":"o1"}`) // failed before the request, taken in after it
	e.Report()
	time.Sleep(2 * time.Millisecond) // times are kept to the millisecond
	job := beginJob(t, e, replay.CloseFailures, `{"select":{"error":"BadPrice"},"reason":"x"}`)
	time.Sleep(2 * time.Millisecond)
	messages := e.Replays.TakeAll()

	quarantineSome(e, 20, 40)
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	ask(t, e, `{"select":{"resourceIds":["r0","r1"]},"reason":"repaired"}`)
	e.Pump()                                             // two heal
	for _, body := range append(messages, messages...) { // each is delivered twice
		e.Listen(body)
	}
	e.Pump()
	if got := jobOf(t, e, job.JobID); got.Status != replay.Completed || got.Count != 18 {
		t.Errorf("got %+v, want 18 closed: two have healed", got)
	}
	var left []string
	for _, f := range listed(t, e, nil) {
		left = append(left, f.Execution)
	}
	slices.Sort(left)
	want := []string{"live-0020"}
	for i := 21; i < 40; i++ {
		want = append(want, fmt.Sprintf("live-%04d", i))
	}
	if want = append(want, "live-dead-letter"); !slices.Equal(left, want) {
		t.Errorf("got %v in quarantine, want those that came later", left)
	}
	if f := failure(t, e, "live-0000"); f.Status != domain.Healed {
		t.Errorf("got %s of what had healed, want it left alone", f.Status)
	}
}

func TestAHeldFailureThatIsClosedIsNotRetried(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing(outage, never)
	for i := range 15 {
		e.Ingest(fmt.Sprint("live-", i), fmt.Sprintf(`{"id":"r%d"}`, i))
	}
	e.Report()
	backoff()
	e.Schedule()
	backoff()
	e.Schedule()
	held := len(listed(t, e, map[string]string{"status": "HELD"}))
	if held == 0 {
		t.Fatal("none is held")
	}
	job := beginJob(t, e, replay.CloseFailures, `{"select":{"status":"HELD"},"reason":"x"}`)
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	e.Pump()
	settleDown(t, e)
	if got := jobOf(t, e, job.JobID); got.Count != held {
		t.Errorf("closed %d, want %d", got.Count, held)
	}
	if got := len(listed(t, e, map[string]string{"status": "CLOSED"})); got != held {
		t.Errorf("%d are closed after the storm, want %d", got, held)
	}
	if got := e.Machine.Names("ar-"); len(got) != 15-held {
		t.Errorf("%d automatic replays, want none of the %d that are closed", len(got), held)
	}
}

func TestWhatANewerSuccessHasSupersededIsClosedInOneGo(t *testing.T) {
	e := inMemory(t)
	quarantineSome(e, 0, 6)
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	for i := range 3 {
		e.Ingest(fmt.Sprint("newer-", i), fmt.Sprintf(`{"id":"r%d","owner":"o1","n":2}`, i))
	}
	e.Machine.Work = failing("BadPrice", never)
	e.Ingest("newer-3", `{"id":"r3","owner":"o1","n":2}`) // a newer one that failed, too
	e.Report()
	e.Schedule()
	for _, f := range listed(t, e, nil) {
		superseded := slices.Contains([]string{"r0", "r1", "r2"}, f.ResourceID)
		if (f.SupersededSince != nil) != superseded {
			t.Errorf("%s: got superseded since %v", f.ResourceID, f.SupersededSince)
		}
	}
	if got := listed(t, e, map[string]string{"superseded": "true"}); len(got) != 3 {
		t.Errorf("%d are listed as superseded, want 3", len(got))
	}
	job := beginJob(t, e, replay.CloseFailures, `{"select":{"superseded":true},"reason":"newer events have succeeded"}`)
	e.Pump()
	if got := jobOf(t, e, job.JobID); got.Count != 3 || len(listed(t, e, nil)) != 4 {
		t.Errorf("got %+v and %d left, want 3 closed and 4 left", got, len(listed(t, e, nil)))
	}
}

func TestAJobWithAKeyIsBegunOnce(t *testing.T) {
	e := inMemory(t)
	quarantineSome(e, 0, 3)
	key := map[string]string{"Idempotency-Key": "k"}
	body := `{"select":{"error":"*"},"reason":"x"}`
	var first, again replay.FailureJob
	for i, into := range []*replay.FailureJob{&first, &again} {
		answer := e.CallWith("POST", "/failures/close", body, nil, nil, key)
		if err := json.Unmarshal([]byte(answer.Body), into); err != nil || answer.StatusCode != 202 {
			t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
		}
		e.Pump()
		quarantineSome(e, 10+i, 11+i) // later than the first request
	}
	if first.JobID != again.JobID || !first.CreatedAt.Equal(again.CreatedAt) {
		t.Errorf("got jobs %s and %s, want one", first.JobID, again.JobID)
	}
	if got := jobOf(t, e, first.JobID); got.Count != 3 || len(listed(t, e, nil)) != 2 {
		t.Errorf("got %+v, want the three of the first request closed", got)
	}
	for _, resource := range []string{"/failures/reopen", "/failures/close"} {
		if answer := e.CallWith("POST", resource, `{"select":{"error":"x"},"reason":"x"}`, nil, nil, key); answer.StatusCode != 409 {
			t.Errorf("%s: got %d, want the key refused for another request", resource, answer.StatusCode)
		}
	}
}

// A job needs the same memory and reads per failure, however many there are, and the work of one message is bounded.
func TestAJobOverManyFailuresGoesOnPageByPage(t *testing.T) {
	table := awstest.NewTable()
	book := ledger.New(table, awstest.TableName)
	const n = 20_000
	start := time.Now().Add(-time.Hour)
	for i := range n {
		_, err := book.Failures.Add(t.Context(), domain.Failure{
			Execution: fmt.Sprintf("x-%05d", i), Status: domain.Quarantined, Error: "BadPrice", FailedAt: domain.At(start.Add(time.Duration(i) * time.Millisecond)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	queue := &bodies{}
	w := failurejob.New(book, outcome.NewSuccesses(book.Executions, book.Publications), queue, nil)
	q := replay.FailureQuery{Status: replay.FailureQuarantined}
	job := domain.FailureJob{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Action: replay.CloseFailures, Reason: "x", RequestedBy: "me", AskedAt: domain.At(time.Now())}
	if _, err := w.Begin(t.Context(), job, q); err != nil {
		t.Fatal(err)
	}
	messages, most := 0, 0.0
	for sent := queue.take(); len(sent) > 0; sent = queue.take() {
		for _, body := range sent {
			before := table.Units.Read
			var m struct{ Part int }
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Fatal(err)
			}
			if err := w.Advance(t.Context(), job.ID, m.Part); err != nil {
				t.Fatal(err)
			}
			messages++
			most = max(most, table.Units.Read-before)
		}
	}
	_, parts, err := book.FailureJobs.Get(t.Context(), job.ID)
	if err != nil || len(parts) != ledger.Shards {
		t.Fatalf("got %+v, %v", parts, err)
	}
	count := 0
	for _, p := range parts {
		count += p.Count
	}
	if count != n || messages > n/400+2*ledger.Shards || most > 700 {
		t.Errorf("closed %d with %d messages, one of which read %.0f units", count, messages, most)
	}
}

func TestSupersededFailuresCloseByThemselvesIfTheyAreTo(t *testing.T) {
	for _, on := range []bool{false, true} {
		e := inMemory(t)
		e.Reconfigure(func(p *config.AutoReplay) { p.CloseSuperseded = on })
		quarantineSome(e, 0, 4)
		e.Machine.Work = func(_, event string) (string, string) { return event, "" }
		e.Ingest("newer-0", `{"id":"r0","owner":"o1","n":2}`)
		e.Report()
		e.Schedule()
		want, left := domain.Quarantined, 4
		if on {
			want, left = domain.Superseded, 3
		}
		if f := failure(t, e, "live-0000"); f.Status != want || on != strings.Contains(f.Decision, "a newer event succeeded") {
			t.Errorf("%t: got %s, %s", on, f.Status, f.Decision)
		}
		if got := groupsOf(t, e); len(got.Groups) != 1 || got.Groups[0].Count != left {
			t.Errorf("%t: got %+v, want %d left", on, got.Groups, left)
		}
	}
}

// bodies keeps what is sent.
type bodies struct{ sent []string }

func (b *bodies) Send(_ context.Context, sent ...string) error {
	b.sent = append(b.sent, sent...)
	return nil
}

func (b *bodies) take() []string {
	sent := b.sent
	b.sent = nil
	return sent
}
