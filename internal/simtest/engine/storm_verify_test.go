package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// replays lists every replay.
func (o *storm) replays() (ids []string) {
	query := map[string]string{"limit": "100"}
	answer := o.Call("GET", "/replays", "", nil, query)
	var page replay.Replays
	if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 || page.NextCursor != "" {
		o.rt.Fatalf("got %d %s, want a page", answer.StatusCode, answer.Body)
	}
	for _, r := range page.Replays {
		ids = append(ids, r.ReplayID)
	}
	return ids
}

// calm ends all faults. Every message arrives, but lost status events remain lost.
func (o *storm) calm() {
	o.up, o.full, o.double = true, false, false
	o.Table.Thaw()
	for _, th := range o.threads.Open() {
		if !strings.HasPrefix(th.Name, domain.SeriesPrefix) {
			o.finish(th)
		}
	}
	for range 400 {
		for _, th := range o.threads.Open() { // series, whose executions run below
			for o.threads.Next(th, Works) != "" {
			}
		}
		o.Dead.ComeBack()
		o.pending = append(o.pending, o.Replays.TakeAll()...)
		bodies := o.pending
		o.pending = nil
		for _, body := range bodies {
			if o.Listen(body) > 0 {
				o.refused(body)
			}
		}
		o.rest()
		o.Ahead += 2 * time.Hour
		time.Sleep(time.Minute)
		o.threads.Reap()
		sum, err := o.Runner.Run(o.t.Context(), fmt.Sprint("calm-", o.threads.Now()), autoreplay.Request{})
		if err != nil || sum.Errors > 0 {
			o.rt.Fatalf("auto-replay: %+v, %v", sum, err)
		}
		idle := !sum.Skipped && sum.DeadLetters+sum.Replayed+sum.Held+sum.Waiting+sum.Settled+sum.Quarantined+sum.Superseded == 0
		if idle && o.Replays.Empty() && len(o.pending) == 0 && o.Ahead > o.ahead+24*time.Hour && len(o.threads.Open()) == 0 {
			if sum.Unaccounted > 0 {
				o.rt.Errorf("%d events are unaccounted for", sum.Unaccounted)
			}
			return
		}
	}
	o.rt.Fatalf("it does not settle down: %v", o.pending)
}

// rest runs all started executions without reporting their ends.
func (o *storm) rest() {
	for _, name := range o.Series.Names("") {
		if o.Series.Status(name) == types.ExecutionStatusRunning && !o.claimed[name] {
			o.claimed[name] = true
			o.threads.Start(o.t.Context(), name, func(ctx context.Context) { o.Series.Run(ctx, name) }, nil)
		}
	}
	o.Machine.RunAll(o.t.Context())
}

func (o *storm) verify() {
	for _, name := range o.Machine.Names("") {
		o.verifyExecution(name)
	}
	for n := range resources {
		o.verifyVersions(fmt.Sprint("r", n))
	}
	for _, id := range o.replays() {
		o.verifyReplay(id)
	}
}

func (o *storm) verifyExecution(name string) {
	ctx, m := o.t.Context(), o.Machine
	status := m.Status(name)
	if m.Starts[name] > 1 {
		o.rt.Errorf("%s was started %d times", name, m.Starts[name])
	}
	row, err := o.Plain.Executions.Get(ctx, name)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		o.rt.Fatal(err)
	}
	if err == nil && string(row.Status) != string(status) {
		o.rt.Errorf("%s is %s in Step Functions and in the ledger %+v", name, status, row)
	}
	redrives := int(m.Execution(name).Redrives)
	for n := range redrives + 1 {
		f, err := o.Plain.Failures.Get(ctx, domain.FailureID(name, n))
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			if n == redrives && status == types.ExecutionStatusFailed {
				o.rt.Errorf("%s is lost: it failed, and no failure says so", name)
			}
		case err != nil:
			o.rt.Fatal(err)
		case f.Status.Open():
			o.rt.Errorf("the failure of %s, run %d, is %s still: %s", name, n, f.Status, f.Decision)
		case f.Status == domain.Quarantined:
			o.verifyLineage(f)
		}
		root := name
		if n > 0 {
			root = fmt.Sprintf("%s#%d", name, n)
		}
		if extra := domain.AutoName(root, o.Policy.MaxAttempts+1); m.Status(extra) != "" {
			o.rt.Errorf("%s was replayed more than %d times", root, o.Policy.MaxAttempts)
		}
	}
}

// verifyLineage checks that no execution in the lineage of a quarantined failure has succeeded.
func (o *storm) verifyLineage(f domain.Failure) {
	first, _, _ := strings.Cut(f.Root, "#")
	names := []string{f.Execution, first}
	for attempt := range o.Policy.MaxAttempts {
		names = append(names, domain.AutoName(f.Root, attempt+1))
	}
	for _, name := range names {
		if o.Machine.Status(name) == types.ExecutionStatusSucceeded {
			o.rt.Errorf("the failure of %s, run %d, is in quarantine (%s), and %s succeeded", f.Execution, f.RedriveCount,
				f.Decision, name)
		}
	}
}

// verifyVersions checks that each execution counts once in the history of a resource.
func (o *storm) verifyVersions(id string) {
	seen := map[string]bool{}
	for v, err := range o.PlainLog.Versions(o.t.Context(), id, "") {
		if err != nil {
			o.rt.Fatal(err)
		}
		if v.Deleted {
			continue
		}
		if seen[v.Execution] {
			o.rt.Errorf("%s has two versions of %s", id, v.Execution)
		}
		seen[v.Execution] = true
		row, err := o.Plain.Executions.Get(o.t.Context(), v.Execution)
		if err != nil || row.VersionID != v.ID {
			o.rt.Errorf("version %s of %s: the ledger has %+v, %v", v.ID, id, row, err)
		}
	}
}

// verifyReplay checks that a replay has ended, and that its counts and items are correct.
func (o *storm) verifyReplay(id string) {
	r := get(o.rt, o.Engine, id)
	if !r.Status.Final() {
		o.rt.Errorf("%s is %s still, with items %+v", id, r.Status, o.items(id))
		return
	}
	checkCounts(o.rt, o.Engine, r)
	if r.Request.MaxItems > 0 && r.Counts.Matched > r.Request.MaxItems {
		o.rt.Errorf("%s has %d items, maxItems is %d", id, r.Counts.Matched, r.Request.MaxItems)
	}
	ran := map[string]bool{}
	for _, it := range o.items(id) {
		o.verifyItem(r, it)
		if at := it.ResourceID + " " + it.VersionID; it.Execution != "" && it.VersionID != "" && r.Request.Select.Failures == nil {
			if ran[at] {
				o.rt.Errorf("%s ran %s twice", id, at)
			}
			ran[at] = true
		}
	}
}

func (o *storm) verifyItem(r replay.Replay, it domain.Item) {
	if !it.Outcome.Final() {
		o.rt.Errorf("replay %s has ended, and item %+v has not", r.ReplayID, it)
		return
	}
	if r.DryRun && it.Execution != "" {
		o.rt.Errorf("dry run %s started %+v", r.ReplayID, it)
	}
	if r.Action == replay.Republish {
		sent := o.again[r.ReplayID+"/"+it.VersionID]
		if it.Outcome == replay.Succeeded && sent == 0 || it.Outcome == replay.Skipped && sent > 0 {
			o.rt.Errorf("item %+v of republish %s was sent %d times", it, r.ReplayID, sent)
		}
		return
	}
	status, redrives := o.Machine.Status(it.Execution), 0
	if status != "" {
		redrives = int(o.Machine.Execution(it.Execution).Redrives)
	}
	well := status == types.ExecutionStatusSucceeded
	switch {
	case it.Outcome == replay.Succeeded && !well,
		it.Outcome == replay.Failed && well && redrives == 0,
		it.Outcome == replay.Skipped && status != "",
		it.Outcome != replay.Succeeded && o.sent[it.Execution] > 0 && status == "":
		o.rt.Errorf("item %+v of replay %s: its execution is %q, published %d times", it, r.ReplayID, status, o.sent[it.Execution])
	}
}
