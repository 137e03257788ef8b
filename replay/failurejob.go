package replay

import (
	"encoding/json"
	"fmt"
	"time"
)

// DecodeFailureJob reads and validates the body of a request to close or to reopen failures, as Decode does that of a
// replay.
func DecodeFailureJob(action FailureAction, body []byte, now time.Time) (FailureJobRequest, error) {
	d := decoder{now: now}
	var r FailureJobRequest
	fields, ok := d.object("body", body, "select", "dryRun", "reason")
	if ok {
		if path := repeated(body); path != "" {
			d.fault(path, nil, "is given twice: leave one out")
		}
		r.Select = d.failureQuery(action, fields["select"])
		d.boolean("dryRun", fields["dryRun"], &r.DryRun)
		d.reason(fields["reason"], &r.Reason)
	}
	if len(d.faults) > 0 {
		return FailureJobRequest{}, &InvalidError{Faults: d.faults}
	}
	return r, nil
}

// closable are the statuses of failures that may be closed. What is being replayed ends first.
var closable = []FailureStatus{FailureQuarantined, FailureWaiting, FailureHeld}

func (d *decoder) failureQuery(action FailureAction, raw json.RawMessage) FailureQuery {
	const empty = `must say which failures are meant; {"status": "QUARANTINED"} selects the whole quarantine`
	q, statuses := FailureQuery{Status: FailureQuarantined}, closable
	if action == ReopenFailures {
		q.Status, statuses = FailureClosed, []FailureStatus{FailureClosed}
	}
	if raw == nil {
		d.fault("select", nil, "is required: it "+empty)
		return q
	}
	fields, ok := d.object("select", raw, "status", "error", "state", "cause", "resourceId", "ownerId", "jobId", "superseded", "since", "until")
	if !ok {
		return q
	}
	if len(fields) == 0 {
		d.fault("select", raw, empty)
		return q
	}
	choice(d, "select.status", fields["status"], &q.Status, statuses...)
	d.glob("select.error", fields["error"], "Lambda.*", &q.Error)
	d.glob("select.state", fields["state"], "Enrich*", &q.State)
	if raw, given := fields["cause"]; given && d.text("select.cause", raw, &q.Cause) && (q.Cause == "" || len(q.Cause) > MaxTargetBytes) {
		d.fault("select.cause", raw, fmt.Sprintf("must be a part of the cause, of 1 to %d bytes", MaxTargetBytes))
	}
	if raw, given := fields["resourceId"]; given && d.text("select.resourceId", raw, &q.ResourceID) {
		if _, err := EventKey(q.ResourceID); err != nil {
			d.fault("select.resourceId", raw, err.Error())
		}
	}
	if raw, given := fields["ownerId"]; given && d.text("select.ownerId", raw, &q.OwnerID) {
		if err := CheckOwnerID(q.OwnerID); err != nil {
			d.fault("select.ownerId", raw, err.Error())
		}
	}
	if raw, given := fields["jobId"]; given && d.text("select.jobId", raw, &q.JobID) {
		switch {
		case action == CloseFailures:
			d.fault("select.jobId", raw, "goes with reopen only: it selects what a job has closed")
		case q.JobID == "":
			d.fault("select.jobId", raw, "must be the id of a job, as POST /failures/close answers it")
		}
	}
	if d.boolean("select.superseded", fields["superseded"], &q.Superseded) {
		switch {
		case !q.Superseded:
			d.fault("select.superseded", fields["superseded"], "must be true: leave it out to select others as well")
		case q.Status != FailureQuarantined:
			d.fault("select.superseded", fields["superseded"], "goes with the status QUARANTINED only")
		}
	}
	q.Since, q.Until = d.time("select.since", fields["since"]), d.time("select.until", fields["until"])
	d.ordered("select.until", fields["until"], q.Since, q.Until)
	return q
}
