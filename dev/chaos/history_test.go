package chaos

import (
	"time"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

var zero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// at is a moment, in seconds.
func at(s float64) time.Time { return zero.Add(time.Duration(s * float64(time.Second))) }

// history builds facts by hand.
type history struct{ *Facts }

func newHistory() history {
	return history{&Facts{
		MaxAttempts: 2,
		Sent:        map[string]Sent{}, Asked: map[string]string{}, Executions: map[string]Execution{},
		Versions: map[string][]Version{}, History: map[string][]string{}, Rows: map[string]domain.Execution{},
		Failures: map[string]domain.Failure{}, Owned: map[observe.Owned]bool{}, Replays: map[string]domain.Replay{},
		Items: map[string][]domain.Item{}, Objects: map[string]bool{}, Offers: map[string]int{}, Queued: map[string]int{},
		Deliveries: map[string][]Span{}, PublishBegan: map[string]time.Time{}, Deleted: map[string]time.Time{},
	}}
}

const owner = "agency"

// execution adds one that ran from a time for a second, with its row.
func (h history) execution(row domain.Execution, from float64, failed string) {
	row.Status, row.StartedAt, row.StoppedAt, row.Error = domain.Succeeded, domain.At(at(from)), domain.At(at(from+1)), failed
	if failed != "" {
		row.Status = domain.Failed
	}
	h.Executions[row.Name] = Execution{Name: row.Name, Status: row.Status, Error: failed, Started: at(from), Stopped: at(from + 1)}
	if failed == "" {
		row.PublishedAt, row.OutputKey = domain.At(at(from+0.8)), eventlog.OutputKey(row.Name)
		h.Objects[row.OutputKey] = true
		h.Messages = append(h.Messages, Message{
			Execution: row.Name, Version: row.VersionID, Resource: row.ResourceID, Replay: row.Mode != domain.Live,
			At: at(from + 0.8),
		})
	}
	h.Rows[row.Name] = row
}

// live adds an event that a producer sent at a time, and its version.
func (h history) live(name, resource string, from float64, failed string) {
	id := "v-" + name
	h.Sent[name] = Sent{Resource: resource, Owner: owner}
	h.Versions[resource] = append([]Version{{
		ID: id, Execution: name, Owner: owner, Started: at(from), Modified: at(from).Truncate(time.Second),
	}}, h.Versions[resource]...)
	h.History[resource] = append([]string{id}, h.History[resource]...)
	h.Owned[observe.Owned{Owner: owner, Resource: resource}] = true
	h.execution(domain.Execution{Name: name, Mode: domain.Live, ResourceID: resource, OwnerID: owner, VersionID: id}, from, failed)
}

// failure adds the failure row of an execution.
func (h history) failure(name string, status domain.FailureStatus, healedBy string) {
	row := h.Rows[name]
	root := row.Root
	if root == "" {
		root = name
	}
	p := domain.FailureID(name, 0)
	h.Failures[p] = domain.Failure{
		Execution: name, Status: status, ResourceID: row.ResourceID, VersionID: row.VersionID, Root: root,
		Attempt: row.Attempt, HealedBy: healedBy, Error: row.Error,
	}
}

// auto adds an automatic replay of an event, which a message delivered shortly before.
func (h history) auto(root string, attempt int, from float64, failed string) string {
	row := h.Rows[root]
	before := root
	if attempt > 1 {
		before = domain.AutoName(root, attempt-1)
	}
	name := domain.AutoName(root, attempt)
	failure := domain.FailureID(before, 0)
	h.Deliveries[failure] = append(h.Deliveries[failure], Span{at(from - 0.5), at(from + 0.5)})
	h.execution(domain.Execution{
		Name: name, Mode: domain.Auto, ResourceID: row.ResourceID, OwnerID: owner, VersionID: row.VersionID,
		Attempt: attempt, Root: root, Failure: failure, Place: row.Placed(),
	}, from, failed)
	return name
}

// byAPI adds a replay of some events by API that is over.
func (h history) byAPI(id string, from float64, roots ...string) { h.asked(id, from, false, roots) }

// series adds a replay of events of one resource by API, one after the other, that is over.
func (h history) series(id string, from float64, roots ...string) { h.asked(id, from, true, roots) }

func (h history) asked(id string, from float64, series bool, roots []string) {
	h.Asked["reason of "+id] = id
	n := len(roots)
	h.Replays[id] = domain.Replay{
		ID: id, Status: replay.Completed, Reason: "reason of " + id, Pages: 1, Expanded: true,
		Tally: domain.Tally{Matched: n, Started: n, Succeeded: n},
	}
	for i, root := range roots {
		ordinal, index := i, 0
		if series {
			ordinal, index = 0, i
		}
		row := h.Rows[root]
		name := domain.APIName(id, row.ResourceID, index)
		h.execution(domain.Execution{
			Name: name, Mode: domain.API, ResourceID: row.ResourceID, OwnerID: owner, VersionID: row.VersionID, ReplayID: id,
			Ordinal: ordinal, Index: index, Place: row.Placed(),
		}, from+float64(i), "")
		h.Items[id] = append(h.Items[id], domain.Item{
			ReplayID: id, Ordinal: ordinal, Index: index, ResourceID: row.ResourceID, VersionID: row.VersionID, Execution: name,
			Outcome: replay.Succeeded, ARN: "arn:" + name,
		})
	}
}

// late adds an event that was not recorded and came before another one, which was. It is restarted while that one runs,
// reaches the log after it, and is not published.
func (h history) late() (restart string) {
	const event, next, resource = "late", "next", "r-late"
	h.Sent[event] = Sent{Resource: resource, Owner: owner}
	h.Executions[event] = Execution{Name: event, Status: domain.Failed, Error: "Down", Started: at(0), Stopped: at(1)}
	h.live(next, resource, 2, "")
	restart = domain.AutoName(event, 1)
	failure := domain.FailureID(event, 0)
	h.Deliveries[failure] = []Span{{at(1.7), at(2.7)}}
	h.execution(domain.Execution{
		Name: restart, Mode: domain.Restart, ResourceID: resource, OwnerID: owner, VersionID: "v-late", Attempt: 1, Root: event,
		Failure: failure, Place: domain.At(at(0)), Superseded: true, Withheld: "a newer event was published",
	}, 2.2, "")
	h.change(restart, func(e *domain.Execution) { e.PublishedAt = domain.Stamp{} })
	h.Messages = h.Messages[:len(h.Messages)-1]
	h.Versions[resource] = append([]Version{{
		ID: "v-late", Execution: restart, Owner: owner, Started: at(2.2), First: at(0), Modified: at(2),
	}}, h.Versions[resource]...)
	h.History[resource] = []string{"v-next", "v-late"}
	h.Failures[failure] = domain.Failure{Execution: event, Root: event, Status: domain.Superseded, Error: "Down"}
	return restart
}

// Names of the events of good.
const (
	fine       = "fine"
	healed     = "healed"
	hard       = "hard"       // healed by its second replay
	old, young = "old", "new" // of one resource: the young one superseded the old one
	worn       = "worn"       // quarantined after all its attempts
	unusable   = "unusable"   // quarantined with its input: it never reached the log
	stopped    = "stopped"
)

// good is a history in which each invariant has something to look at, and none is broken.
func good() history {
	h := newHistory()
	h.live(fine, "r-fine", 0, "")
	h.live(healed, "r-healed", 0, "Down")
	h.failure(healed, domain.Healed, h.auto(healed, 1, 10, ""))
	h.live(hard, "r-hard", 0, "Down")
	h.failure(hard, domain.FailedAgain, "")
	h.failure(h.auto(hard, 1, 10, "Down"), domain.Healed, h.auto(hard, 2, 20, ""))
	h.live(old, "r-two", 0, "Down")
	h.live(young, "r-two", 5, "")
	h.failure(old, domain.Superseded, "")
	h.live(worn, "r-worn", 0, "Down")
	h.failure(worn, domain.FailedAgain, "")
	h.failure(h.auto(worn, 1, 10, "Down"), domain.FailedAgain, "")
	h.failure(h.auto(worn, 2, 20, "Down"), domain.Quarantined, "")

	h.Sent[unusable] = Sent{}
	h.Executions[unusable] = Execution{Name: unusable, Status: domain.Failed, Error: "InvalidEvent", Started: at(0), Stopped: at(1)}
	key := eventlog.UnrecordedKey(unusable)
	h.Objects[key] = true
	h.Failures[domain.FailureID(unusable, 0)] = domain.Failure{
		Execution: unusable, Root: unusable, Status: domain.Quarantined, InputKey: key, Error: "InvalidEvent",
	}
	h.Sent[stopped] = Sent{Resource: "r-stopped", Owner: owner}
	h.Executions[stopped] = Execution{Name: stopped, Status: domain.Aborted, Started: at(0), Stopped: at(1)}
	h.byAPI("replay-1", 30, fine, young)
	return h
}
