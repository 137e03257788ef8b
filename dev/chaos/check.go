package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

// Invariant is a rule that no fault may break.
type Invariant string

// The invariants.
const (
	NoneLost       Invariant = "no event is lost"
	NoStorm        Invariant = "no event is started more often than the policy allows"
	NoStaleStart   Invariant = "no automatic replay starts for a version known not to be the newest"
	NoStalePublish Invariant = "no replay publishes an older event after a newer one, unless it may"
	StaysDeleted   Invariant = "no replay publishes about what was deleted"
	CountOnce      Invariant = "versions that name the same execution count once"
	LedgerAgrees   Invariant = "the ledger agrees with S3 and Step Functions"
	ReplaysAdd     Invariant = "the counts of a replay are those of its items"
	StaysClosed    Invariant = "what an operator has closed is not retried by itself"
	Corrects       Invariant = "a correction stands right behind what it corrects, is the only one, and heals it"
	AllSettled     Invariant = "everything comes to an end"
	AllAllowed     Invariant = "the policies allow every call of a function"
)

// Invariants returns all of them in a fixed order.
func Invariants() []Invariant {
	return []Invariant{NoneLost, NoStorm, NoStaleStart, NoStalePublish, StaysDeleted, CountOnce, LedgerAgrees, ReplaysAdd, StaysClosed,
		Corrects, AllSettled, AllAllowed}
}

// Violation is a broken invariant.
type Violation struct {
	Invariant Invariant `json:"invariant"`
	Execution string    `json:"execution,omitempty"`
	What      string    `json:"what"`
}

// Check returns every violation, in a fixed order.
func Check(f *Facts) []Violation {
	c := &checker{Facts: f}
	c.lost()
	c.storm()
	c.staleStarts()
	c.stalePublications()
	c.deletions()
	c.once()
	c.rows()
	c.versions()
	c.publications()
	c.replays()
	c.closedStay()
	c.corrections()
	c.settled()
	for _, call := range c.Denied {
		c.fault(AllAllowed, "", "%s", call)
	}
	return c.found
}

type checker struct {
	*Facts
	found []Violation
}

func (c *checker) fault(i Invariant, execution, format string, args ...any) {
	c.found = append(c.found, Violation{i, execution, fmt.Sprintf(format, args...)})
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// received are the events: what producers sent, and whatever else was started that is no replay.
func (f *Facts) received() []string {
	all := map[string]bool{}
	for name := range f.Sent {
		all[name] = true
	}
	for name := range f.Executions {
		if live(name) {
			all[name] = true
		}
	}
	return sorted(all)
}

func (c *checker) lost() {
	for _, name := range c.received() {
		if o, why := c.outcome(name); o == Lost {
			c.fault(NoneLost, name, "%s", why)
		}
	}
}

// storm counts what Step Functions started for each event, whoever says so.
func (c *checker) storm() {
	autos := map[string]int{} // by the event that failed first
	runs := map[string]int{}  // of an item
	for _, name := range sorted(c.Executions) {
		if live(name) {
			continue
		}
		row, announced := c.Rows[name]
		if !announced {
			c.fault(NoStorm, name, "was started and never announced in the ledger")
			continue
		}
		if byAPI(name) {
			runs[fmt.Sprintf("%s %s %s", row.ReplayID, row.ResourceID, row.VersionID)]++
			continue
		}
		autos[row.Root]++
		if domain.AutoName(row.Root, row.Attempt) != name {
			c.fault(NoStorm, name, "is not attempt %d of %s", row.Attempt, row.Root)
		}
	}
	for _, root := range sorted(autos) {
		if n := autos[root]; n > c.MaxAttempts {
			c.fault(NoStorm, root, "%d automatic replays were started, the policy allows %d", n, c.MaxAttempts)
		}
	}
	for _, run := range sorted(runs) {
		if n := runs[run]; n > 1 {
			c.fault(NoStorm, "", "replay, resource and version %s: started %d times", run, n)
		}
	}
	for name, n := range c.Offers {
		sent := 0
		for _, s := range c.Sent {
			if s.Resource == name {
				sent++
			}
		}
		if n > sent {
			c.fault(NoStorm, "", "resource %s: the side effect happened %d times for %d events", name, n, sent)
		}
	}
}

// staleStarts wants that no newer version could be seen when the listener took the message that started a replay.
func (c *checker) staleStarts() {
	for _, name := range sorted(c.Executions) {
		row := c.Rows[name]
		if !automatic(name) || row.Name == "" {
			continue
		}
		given, newer, found := c.origin(row)
		if !found {
			continue // another check's business
		}
		taken, ok := c.taken(row, c.Executions[name])
		if !ok {
			c.fault(NoStaleStart, name, "nobody delivered a message that started it")
			continue
		}
		for _, v := range newer {
			if v.place().After(given.place()) && v.visible().Before(taken) && c.Executions[v.Execution].Status != domain.Aborted {
				c.fault(NoStaleStart, name, "started by a message taken at %s, when version %s of %s had been there since %s",
					domain.At(taken), v.ID, v.Execution, domain.At(v.visible()))
				break
			}
		}
	}
}

// taken is the beginning of the delivery that started an execution; of several at once, of the first.
func (c *checker) taken(row domain.Execution, e Execution) (at time.Time, ok bool) {
	for _, s := range c.Deliveries[row.Failure] {
		if s.From.After(e.Started) || s.To.Before(e.Started) {
			continue
		}
		if !ok || s.From.Before(at) {
			at, ok = s.From, true
		}
	}
	return at, ok
}

// stalePublications goes through the messages in the order in which the topic took them. A copy of a message that came
// before is not looked at: it may have been under way for long.
func (c *checker) stalePublications() {
	newest, by := map[string]domain.Stamp{}, map[string]string{}
	seen := map[string]bool{}
	for n, m := range c.Messages {
		row, known := c.Rows[m.Execution]
		if !known || seen[m.Execution] {
			continue // another check's business
		}
		seen[m.Execution] = true
		over, last := c.over(row), newest[m.Resource]
		guarded := m.Replay && !row.AllowStale
		if row.RedriveID != "" {
			guarded = !row.RedriveStale
		}
		if guarded && last.After(over.Time) {
			c.fault(NoStalePublish, m.Execution, "message %d is of an event that came at %s, after one of %s, which came at %s",
				n, over, by[m.Resource], last)
		}
		if row.Placed().After(last.Time) {
			newest[m.Resource], by[m.Resource] = row.Placed(), m.Execution
		}
	}
}

// over is the newest place that a replay may publish after: its own, or that of the last version of its series.
func (f *Facts) over(row domain.Execution) domain.Stamp {
	over := row.Placed()
	if row.Mode != domain.API {
		return over
	}
	for _, it := range f.Items[row.ReplayID] {
		if it.Page != row.Page || it.Ordinal != row.Ordinal {
			continue
		}
		v, _, found := f.origin(domain.Execution{ResourceID: it.ResourceID, VersionID: cmp.Or(it.VersionID, it.Want)})
		if at := domain.At(v.place()); found && at.After(over.Time) {
			over = at
		}
	}
	return over
}

// deletions looks at what replays published of resources that were deleted after the event: none may have begun to
// publish when the deletion was done.
func (c *checker) deletions() {
	for _, m := range c.Messages {
		at, ours := c.afterDeletion(m)
		if !ours {
			continue
		}
		if began, known := c.PublishBegan[m.Execution]; !known {
			c.fault(StaysDeleted, m.Execution, "nobody looked when it published")
		} else if began.After(at) && m.At.After(began) {
			c.fault(StaysDeleted, m.Execution, "began to publish at %s, after resource %s was deleted at %s", domain.At(began),
				m.Resource, domain.At(at))
		}
	}
}

// afterDeletion reports whether a message is by a replay, about a resource that was deleted after its event and before
// the message, and has had no event since. It returns when it was deleted.
func (f *Facts) afterDeletion(m Message) (at time.Time, ours bool) {
	at, deleted := f.Deleted[m.Resource]
	row, known := f.Rows[m.Execution]
	if !deleted || !known || !m.Replay && row.RedriveID == "" || !row.Placed().Before(at) || m.At.Before(at) {
		return at, false
	}
	since := slices.ContainsFunc(f.Versions[m.Resource], func(v Version) bool { return !v.visible().Before(at) })
	return at, !since
}

// once compares what the product's reader shows with every version in S3.
func (c *checker) once() {
	for _, resource := range sorted(c.Versions) {
		want := c.counted(resource)
		got := c.History[resource]
		same := slices.EqualFunc(want, got, func(v Version, id string) bool { return v.ID == id })
		if !same {
			c.fault(CountOnce, "", "resource %s: the history shows versions %v, want %v of %v", resource, got, want, c.Versions[resource])
		}
		for _, v := range want {
			if row, ok := c.Rows[v.Execution]; ok && row.VersionID != v.ID {
				c.fault(CountOnce, v.Execution, "its row names version %s, the one that counts is %s", row.VersionID, v.ID)
			}
		}
	}
	for _, m := range c.Messages {
		if row, ok := c.Rows[m.Execution]; ok && row.VersionID != m.Version {
			c.fault(CountOnce, m.Execution, "published with version %s, its row names %s", m.Version, row.VersionID)
		}
	}
}

func (c *checker) settled() {
	for _, name := range c.received() {
		if o, _ := c.outcome(name); o == Running || o == Waiting {
			c.fault(AllSettled, name, "is still %s", o)
		}
	}
	for _, name := range sorted(c.Rows) {
		if row := c.Rows[name]; !row.Status.Terminal() {
			c.fault(AllSettled, name, "its row is still %s", row.Status)
		}
	}
	for _, p := range sorted(c.Failures) {
		if failure := c.Failures[p]; failure.Status.Open() {
			c.fault(AllSettled, failure.Execution, "its failure is still %s: %s", failure.Status, failure.Decision)
		}
	}
	for _, queue := range sorted(c.Queued) {
		if n := c.Queued[queue]; n > 0 {
			c.fault(AllSettled, "", "%d messages are left in the %s queue", n, queue)
		}
	}
	for _, key := range sorted(c.Objects) {
		name, ok := strings.CutPrefix(key, eventlog.UnrecordedKey("message-"))
		if ok {
			c.fault(AllSettled, "", "message %s could not be handled and was quarantined", name)
		}
	}
}
