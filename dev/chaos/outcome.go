package chaos

import (
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Outcome is what became of an event.
type Outcome string

// Outcomes of events. Lost is every other one.
const (
	Succeeded   Outcome = "succeeded"
	Healed      Outcome = "healed" // succeeded by a replay
	Superseded  Outcome = "superseded"
	Quarantined Outcome = "quarantined"
	Closed      Outcome = "closed" // by an operator
	Aborted     Outcome = "aborted"
	Running     Outcome = "running"
	Waiting     Outcome = "waiting"
	Lost        Outcome = "lost"
)

// outcome follows an event from the execution that a producer started through all its replays. What the ledger claims
// must be true: a healed failure has an execution that succeeded, a quarantined one can be fetched. Why says what is
// missing of a lost one.
func (f *Facts) outcome(name string) (o Outcome, why string) {
	e, ok := f.Executions[name]
	switch {
	case !ok:
		return Lost, "Step Functions does not know it"
	case e.Status == domain.Running:
		return Running, ""
	case e.Status == domain.Succeeded:
		return Succeeded, ""
	case e.Status == domain.Aborted:
		return Aborted, ""
	}
	at := name
	for attempt := 0; attempt <= f.MaxAttempts+1; attempt++ {
		failure, ok := f.Failures[domain.FailureID(at, 0)]
		if !ok {
			return Lost, fmt.Sprintf("%s failed with %s and has no failure row", at, f.Executions[at].Error)
		}
		for redriven := 1; ; redriven++ { // the last run decides
			again, ok := f.Failures[domain.FailureID(at, redriven)]
			if !ok {
				break
			}
			failure = again
		}
		if failure.Status != domain.FailedAgain {
			return f.closed(name, failure)
		}
		at = domain.AutoName(name, failure.Attempt+1)
	}
	return Lost, "its failures have no end"
}

// closed judges the last failure of an event.
func (f *Facts) closed(name string, last domain.Failure) (Outcome, string) {
	switch last.Status {
	case domain.Waiting, domain.Retrying:
		return Waiting, ""
	case domain.Healed:
		if by := f.Executions[last.HealedBy]; by.Status != domain.Succeeded {
			return Lost, fmt.Sprintf("the ledger says that %q healed it, which is %q", last.HealedBy, by.Status)
		}
		return Healed, ""
	case domain.Superseded:
		return f.superseded(name, last)
	case domain.Quarantined:
		return f.kept(last, Quarantined)
	case domain.Closed:
		if f.Executions[last.HealedBy].Status == domain.Succeeded { // redriven
			return Healed, ""
		}
		if last.Job != "" {
			return f.kept(last, Closed)
		}
		if f.Executions[last.Execution].Status == domain.Aborted {
			return Aborted, ""
		}
		if by := f.Executions[domain.AutoName(name, last.Attempt+1)]; by.Status == domain.Aborted {
			return Aborted, ""
		}
		return Lost, "closed: " + last.Decision
	}
	return Lost, fmt.Sprintf("its last failure is %q", last.Status)
}

// superseded wants an event of the resource that came later and was not aborted, or that the resource was deleted while
// a replay ran.
func (f *Facts) superseded(name string, last domain.Failure) (Outcome, string) {
	resource, began := f.Sent[name].Resource, f.Executions[name].Started.Truncate(time.Millisecond)
	if _, deleted := f.Deleted[resource]; deleted && f.Rows[domain.AutoName(name, last.Attempt+1)].Withheld != "" {
		return Superseded, ""
	}
	if last.VersionID != "" {
		_, newer, found := f.origin(domain.Execution{ResourceID: last.ResourceID, VersionID: last.VersionID})
		if !found {
			return Lost, "superseded, and its version is not in S3"
		}
		for _, v := range newer {
			if v.place().After(began) && f.Executions[v.Execution].Status != domain.Aborted {
				return Superseded, ""
			}
		}
		return Lost, "superseded, and there is no newer version"
	}
	for _, v := range f.counted(resource) {
		if v.place().After(began) && f.Executions[v.Execution].Status != domain.Aborted {
			return Superseded, ""
		}
	}
	return Lost, "superseded, and no later event was recorded"
}

// kept wants the event to be where a person can fetch it.
func (f *Facts) kept(last domain.Failure, as Outcome) (Outcome, string) {
	if last.VersionID == "" {
		if !f.Objects[last.InputKey] {
			return Lost, fmt.Sprintf("%s, and its input is not at %q", as, last.InputKey)
		}
		return as, ""
	}
	for _, v := range f.Versions[last.ResourceID] {
		if v.ID == last.VersionID {
			return as, ""
		}
	}
	return Lost, string(as) + ", and its version is not in S3"
}
