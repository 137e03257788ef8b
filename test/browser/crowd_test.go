package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

const million = 1_000_000

// crowd has the API answer as it does with a million failures: as many groups as there may be, and pages without end.
func (d *desk) crowd() {
	at := d.now().UTC().Truncate(time.Millisecond)
	failure := func(i int) replay.Failure {
		return replay.Failure{
			Status: replay.FailureQuarantined, Error: fmt.Sprintf("Error%04d", i%replay.MaxFailureGroups), State: "Enrich",
			Cause: lambdaCause("Error", "listing.priceUsd must be a number from 0 up, got -1"), ResourceID: fmt.Sprintf("L-%07d", i),
			VersionID: fmt.Sprintf("v%07d", i), OwnerID: "A-1", Execution: fmt.Sprintf("in-%07d", i), FailedAt: at, Decision: "error is not retriable",
		}
	}
	var groups replay.FailureGroups
	groups.CountedAt = at
	for i := range replay.MaxFailureGroups {
		sample := failure(i)
		groups.Groups = append(groups.Groups, replay.FailureGroup{
			Status: sample.Status, Error: sample.Error, State: sample.State, Count: million / replay.MaxFailureGroups,
			FirstAt: at.Add(-24 * time.Hour), LastAt: at, Sample: &sample,
		})
	}
	d.gateway.Before(func(w http.ResponseWriter, r *http.Request) bool {
		var answer any
		switch r.URL.Path {
		case "/v1/failures/groups":
			answer = groups
		case "/v1/failures":
			var from, size int
			_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from) // none: the first page
			if _, err := fmt.Sscan(r.URL.Query().Get("limit"), &size); err != nil {
				d.t.Errorf("read the limit of %s: %v", r.URL, err)
			}
			page := replay.Failures{NextCursor: fmt.Sprint(from + size)}
			for i := range size {
				page.Failures = append(page.Failures, failure(from+i))
			}
			answer = page
		default:
			return false
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			d.t.Error(err)
		}
		return true
	})
}

// TestAMillionFailuresFillNoPage takes the time until a page is complete in the browser, the best of three.
func TestAMillionFailuresFillNoPage(t *testing.T) {
	const limit = time.Second
	d := sit(t, nil)
	d.crowd()
	b := d.enter()
	for _, path := range []string{"/", "/failures", "/failures?status=QUARANTINED", "/failures?status=QUARANTINED&error=Error0001&cursor=500000"} {
		best := time.Hour
		for range 3 {
			b.open(path)
			took := evaluate[float64](b, "performance.getEntriesByType('navigation')[0].loadEventStart")
			best = min(best, time.Duration(took*float64(time.Millisecond)))
		}
		if best > limit {
			t.Errorf("%s: got %s, want less than %s", path, best, limit)
		}
		if links := evaluate[int](b, "document.querySelectorAll('main a').length"); links < 10 {
			t.Errorf("%s: got %d links, want those of failures", path, links)
		}
	}
	b.sees("Error0001")
}
