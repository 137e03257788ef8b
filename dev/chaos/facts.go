package chaos

import (
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Facts are what Step Functions, S3, the ledger and the queues say after a run, beside what was done to the stack. The
// invariants are checked on these and on nothing that the product says of itself.
type Facts struct {
	MaxAttempts int // automatic replays of one event

	Sent  map[string]Sent   // what producers sent, by execution
	Asked map[string]string // replays requested through the API: ids by reason, which is unique

	Executions map[string]Execution        // of the ingestion state machine, by name
	Versions   map[string][]Version        // every version in S3, by resource, in S3's order: what it took last first
	History    map[string][]string         // ids of the versions that the product's reader shows, newest first
	Rows       map[string]domain.Execution // by name
	Failures   map[string]domain.Failure   // by partition key
	Owned      map[observe.Owned]bool      // owner rows
	Replays    map[string]domain.Replay    // by id
	Items      map[string][]domain.Item    // by replay
	Objects    map[string]bool             // keys of the bucket that are no events
	Messages   []Message                   // that the subscriber of everything got, in the order in which the topic took them
	Offers     map[string]int              // the workflow's side effect, by resource
	Queued     map[string]int              // messages left, by queue

	// Deliveries are when the listener worked on the message of an automatic replay, by failure.
	Deliveries map[string][]Span
	// Deleted is when the object of a resource was deleted. Every version is kept.
	Deleted map[string]time.Time
	// Denied are the calls that functions made and that the policies of the deployed template do not allow.
	Denied []string
	// PublishBegan is when the last attempt of an execution to publish began; of those that matter.
	PublishBegan map[string]time.Time
}

// Sent is an event that a producer sent.
type Sent struct {
	Resource string // empty: the event has no usable id
	Owner    string
}

// Execution is what Step Functions says.
type Execution = observe.Execution

// Version is what S3 says.
type Version struct {
	ID        string
	Execution string
	Owner     string
	Started   time.Time // of the execution
	First     time.Time // of the first execution of its event, if that was another
	Modified  time.Time // when S3 took it, in whole seconds
}

// visible is when anybody could see the version at the latest.
func (v Version) visible() time.Time { return v.Modified.Truncate(time.Second).Add(time.Second) }

// place is where the event stands among those of its resource: when its first execution started.
func (v Version) place() time.Time {
	at := v.First
	if at.IsZero() {
		at = v.Started
	}
	return at.Truncate(time.Millisecond)
}

// Message is a publication.
type Message struct {
	Execution, Version, Resource string
	Replay                       bool
	At                           time.Time // when the subscriber's queue took it
}

// Span is a time from one moment to another.
type Span struct{ From, To time.Time }

func automatic(name string) bool { return strings.HasPrefix(name, domain.AutoPrefix) }

func byAPI(name string) bool { return strings.HasPrefix(name, domain.APIPrefix) }

func live(name string) bool { return !automatic(name) && !byAPI(name) }

// counted returns the versions of a resource that count, newest place first: of those that name the same execution, the
// one that S3 took first.
func (f *Facts) counted(resource string) []Version {
	var all []Version
	seen := map[string]bool{}
	for _, v := range slices.Backward(f.Versions[resource]) {
		if v.Execution != "" && seen[v.Execution] {
			continue
		}
		seen[v.Execution] = true
		all = append(all, v)
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b Version) int { return b.place().Compare(a.place()) })
	return all
}

// find returns the version that an execution recorded, and those that stand before it.
func (f *Facts) find(resource, execution string) (given Version, newer []Version, found bool) {
	all := f.counted(resource)
	i := slices.IndexFunc(all, func(v Version) bool { return v.Execution == execution })
	if i < 0 {
		return given, nil, false
	}
	return all[i], all[:i], true
}

// origin returns the version that a row runs, and those that are newer.
func (f *Facts) origin(row domain.Execution) (given Version, newer []Version, found bool) {
	for _, v := range f.Versions[row.ResourceID] {
		if v.ID == row.VersionID {
			return f.find(row.ResourceID, v.Execution)
		}
	}
	return given, nil, false
}
