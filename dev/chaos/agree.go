package chaos

import (
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// rows compares the executions of the ledger with those of Step Functions, in both directions.
func (c *checker) rows() {
	for _, name := range sorted(c.Executions) {
		e := c.Executions[name]
		row, ok := c.Rows[name]
		if !ok {
			if e.Status == domain.Succeeded {
				c.fault(LedgerAgrees, name, "succeeded and has no row")
			}
			continue // it ended before Record wrote one: its failure row is another check's business
		}
		if e.Status != domain.Running && row.Status != e.Status {
			c.fault(LedgerAgrees, name, "is %s (%s) in Step Functions and %s in the ledger", e.Status, e.Error, row.Status)
		}
		if e.Failed() && row.Status == e.Status && row.Error != e.Error {
			c.fault(LedgerAgrees, name, "failed with %s, the ledger says %s", e.Error, row.Error)
		}
		if !row.StoppedAt.IsZero() && !row.StoppedAt.Equal(domain.At(e.Stopped).Time) {
			c.fault(LedgerAgrees, name, "stopped at %s, the ledger says %s", domain.At(e.Stopped), row.StoppedAt)
		}
	}
	for _, name := range sorted(c.Rows) {
		row := c.Rows[name]
		if _, ok := c.Executions[name]; !ok && row.Status != domain.Aborted {
			c.fault(LedgerAgrees, name, "is %s in the ledger, and Step Functions does not know it", row.Status)
		}
	}
	for _, p := range sorted(c.Failures) {
		f := c.Failures[p]
		if e, ok := c.Executions[f.Execution]; ok && !e.Failed() && f.RedriveCount >= c.Rows[f.Execution].RedriveCount {
			c.fault(LedgerAgrees, f.Execution, "has a failure row (%s), and is %s", f.Status, e.Status)
		}
	}
}

// versions compares the event log with the ledger, in both directions.
func (c *checker) versions() {
	for _, resource := range sorted(c.Versions) {
		for _, v := range c.counted(resource) {
			row, ok := c.Rows[v.Execution]
			if !ok {
				if s := c.Executions[v.Execution].Status; s != domain.Aborted && s != domain.Running {
					c.fault(LedgerAgrees, v.Execution, "recorded version %s and has no row", v.ID)
				}
				continue
			}
			if at := domain.At(v.place()); !row.Placed().Equal(at.Time) {
				c.fault(LedgerAgrees, v.Execution, "recorded an event that came at %s; its row says %s", at, row.Placed())
			}
			if row.ResourceID != resource || row.OwnerID != v.Owner {
				c.fault(LedgerAgrees, v.Execution, "recorded an event of %s, owner %s; its row says %s, %s", resource, v.Owner,
					row.ResourceID, row.OwnerID)
			}
			if v.Owner != "" && !c.Owned[observe.Owned{Owner: v.Owner, Resource: resource}] {
				c.fault(LedgerAgrees, v.Execution, "owner %s has no row for %s", v.Owner, resource)
			}
		}
	}
	for _, name := range sorted(c.Rows) {
		row := c.Rows[name]
		if row.VersionID == "" {
			if row.Mode == domain.Live && !row.Unrecorded || row.Status == domain.Succeeded {
				c.fault(LedgerAgrees, name, "its row names no version")
			}
			continue
		}
		if _, _, found := c.origin(row); !found {
			c.fault(LedgerAgrees, name, "its version %s of %s is not in S3", row.VersionID, row.ResourceID)
		}
	}
}

// publications compares the ledger with what the subscriber got and the outputs that were kept. A message may come more
// than once, and may come of an execution that failed before it could note it.
func (c *checker) publications() {
	got := map[string]int{}
	for _, m := range c.Messages {
		got[m.Execution]++
		row, ok := c.Rows[m.Execution]
		if !ok || row.ResourceID != m.Resource {
			c.fault(LedgerAgrees, m.Execution, "published about %s, its row is about %q", m.Resource, row.ResourceID)
		}
		if m.Replay == live(m.Execution) {
			c.fault(LedgerAgrees, m.Execution, "published with isReplay = %t", m.Replay)
		}
	}
	for _, name := range sorted(c.Rows) {
		row := c.Rows[name]
		if !row.PublishedAt.IsZero() && got[name] == 0 {
			c.fault(LedgerAgrees, name, "was published, the ledger says, and nobody got it")
		}
		if row.Status == domain.Succeeded && row.PublishedAt.IsZero() && !row.Superseded && !row.Suppress {
			c.fault(LedgerAgrees, name, "succeeded and published nothing")
		}
		if row.OutputKey != "" && !c.Objects[row.OutputKey] {
			c.fault(LedgerAgrees, name, "its output is not at %s", row.OutputKey)
		}
	}
}

// replays compares replays with their items, and those with Step Functions.
func (c *checker) replays() {
	for _, reason := range sorted(c.Asked) {
		if _, ok := c.Replays[c.Asked[reason]]; !ok {
			c.fault(ReplaysAdd, "", "replay %q, %s: accepted and unknown", c.Asked[reason], reason)
		}
	}
	byReason := map[string]int{}
	for _, id := range sorted(c.Replays) {
		r := c.Replays[id]
		byReason[r.Reason]++
		if !r.Status.Final() {
			c.fault(AllSettled, "", "replay %s (%s) is still %s with %d open items", id, r.Reason, r.Status, r.Open())
			continue
		}
		want := replay.Counts{}
		for _, it := range c.Items[id] {
			c.item(r, it, &want)
		}
		if got := r.Counts(); got != want || r.Open() != 0 {
			c.fault(ReplaysAdd, "", "replay %s (%s): counts %+v with %d open, its items give %+v", id, r.Reason, got, r.Open(), want)
		}
	}
	for _, reason := range sorted(byReason) {
		if n := byReason[reason]; n > 1 {
			c.fault(ReplaysAdd, "", "%d replays for one request: %s", n, reason)
		}
	}
}

// item compares an item with its execution. One that was redriven since may have ended in another way.
func (c *checker) item(r domain.Replay, it domain.Item, counts *replay.Counts) {
	counts.Matched++
	if it.ARN != "" {
		counts.Started++
	}
	e, started := c.Executions[it.Execution]
	redriven := c.Rows[it.Execution].RedriveID != ""
	if r.Action == replay.Redrive {
		started = it.ARN != ""
	}
	switch it.Outcome {
	case replay.Succeeded:
		counts.Succeeded++
		if e.Status != domain.Succeeded {
			c.fault(ReplaysAdd, it.Execution, "its item says SUCCEEDED, Step Functions %q", e.Status)
		}
	case replay.Failed:
		counts.Failed++
		if started && !redriven && e.Status == domain.Succeeded {
			c.fault(ReplaysAdd, it.Execution, "its item says FAILED, Step Functions %s", e.Status)
		}
	case replay.Skipped:
		counts.Skipped++
		if started {
			c.fault(ReplaysAdd, it.Execution, "its item says SKIPPED, and it was started")
		}
	default:
		c.fault(ReplaysAdd, it.Execution, "its item is %s, and the replay is over", it.Outcome)
	}
}
