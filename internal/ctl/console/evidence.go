package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// evidencePage is the data of the page with the evidence of a replay that has ended.
type evidencePage struct {
	ID       string
	Evidence *replay.Evidence // nil: there is none
	About    []fact           // what was asked for
	Failed   []failedItem
	Groups   []groupPair // of failures, before and after
	Verify   string      // command line that checks the digest

	Replay replay.Replay // the replay, if it has no evidence
}

// failedItem is an item of the sample.
type failedItem struct {
	replay.Item
	Execution string // its name
}

func (c *Console) evidence(r *http.Request) (view, error) {
	id := r.PathValue("id")
	v := view{page: "evidence", title: "Evidence of replay " + id, command: command([]string{"report", id})}
	e, err := c.o.Client.Replays.GetEvidence(r.Context(), id)
	if err != nil {
		return c.noEvidence(r, v, err)
	}
	p := evidencePage{ID: id, Evidence: &e, About: c.about(e.Request), Verify: c.o.Command(command([]string{"report", id}) + " --verify")}
	p.Groups = pairs(e.Failures)
	for _, item := range e.Failed {
		p.Failed = append(p.Failed, failedItem{item, item.ExecutionARN[strings.LastIndexByte(item.ExecutionARN, ':')+1:]})
	}
	v.data = p
	return v, nil
}

// noEvidence says why there is no evidence: it is not written yet, or will never be.
func (c *Console) noEvidence(r *http.Request, v view, err error) (view, error) {
	var refused *client.RefusedError
	if !errors.As(err, &refused) || refused.Status != http.StatusConflict && refused.Status != http.StatusNotFound {
		return view{}, err
	}
	p := evidencePage{ID: r.PathValue("id")}
	var other error
	if p.Replay, other = c.o.Client.Replays.Get(r.Context(), p.ID); other != nil {
		return view{}, other
	}
	switch {
	case p.Replay.DryRun:
		v.command = command([]string{"status", p.ID})
	case refused.Status == http.StatusNotFound: // it was deleted from the bucket
		return view{}, err
	case p.Replay.Status.Final():
		v.refresh = quickly
	default:
		v.refresh, v.command = slowly, command([]string{"status", p.ID})+" --wait"
	}
	v.data = p
	return v, nil
}

// groupPair is how many failures a group had before a replay and after it; nil: not known, or counted among the others.
type groupPair struct {
	replay.FailureTotal
	Before, After *int
}

// pairs matches the groups of two counts.
func pairs(f replay.EvidenceFailures) (all []groupPair) {
	before, after := totals(f.Before), totals(f.After)
	seen := map[replay.FailureTotal]bool{}
	for _, count := range []*replay.FailureCount{f.Before, f.After} {
		if count == nil {
			continue
		}
		for _, g := range count.Groups {
			if g.Count = 0; !seen[g] {
				seen[g] = true
				all = append(all, groupPair{g, before(g), after(g)})
			}
		}
	}
	return all
}

// totals returns a function that looks up the number of a group, nil if it is not known. If the count has all groups,
// one that is missing has 0.
func totals(count *replay.FailureCount) func(replay.FailureTotal) *int {
	if count == nil {
		return func(replay.FailureTotal) *int { return nil }
	}
	found := map[replay.FailureTotal]int{}
	for _, g := range count.Groups {
		n := g.Count
		g.Count = 0
		found[g] = n
	}
	complete := count.Others == 0 && !count.Partial
	return func(g replay.FailureTotal) *int {
		if n, known := found[g]; known || complete {
			return &n
		}
		return nil
	}
}
