package console_test

import (
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

var crowd = flag.Int("crowd", 3_000, "failures in front of which pages are timed")

// fail adds failures to the ledger, as auto-replay does when it takes them in: most in quarantine, some waiting or held.
func (d *desk) fail(n int) {
	d.t.Helper()
	d.world.Broken(map[string]string{"L-1": "BadListing"}) // one whose event is in the log
	at := time.Now().Add(-24 * time.Hour)
	for i := range n {
		failedAt := domain.At(at.Add(time.Duration(i) * 24 * time.Hour / time.Duration(n)))
		f := domain.Failure{
			Execution: fmt.Sprintf("in-%07d", i), Status: domain.Quarantined, ResourceID: fmt.Sprintf("L-%07d", i), OwnerID: fmt.Sprintf("A-%d", i%1000),
			VersionID: fmt.Sprintf("v%07d", i), State: "Enrich", Error: fmt.Sprintf("Error%04d", i%(replay.MaxFailureGroups+50)), StartedAt: failedAt,
			Cause: `{"errorMessage":"listing.priceUsd must be a number from 0 up, got -1"}`, Root: fmt.Sprintf("in-%07d", i), FailedAt: failedAt,
			FirstAt: failedAt, Decision: "error is not retriable", ChangedAt: failedAt,
		}
		if i%10 == 0 {
			f.Status, f.DueAt, f.Storm, f.Held = domain.Waiting, domain.At(time.Now().Add(time.Hour)), f.Error, i%20 == 0
		}
		if _, err := d.world.Engine.Book.Failures.Add(d.t.Context(), f); err != nil {
			d.t.Fatal(err)
		}
	}
	var tally domain.FailureTally // as auto-replay counts them
	for !tally.Done {
		if err := d.world.Engine.Book.Failures.Count(d.t.Context(), &tally, 100_000); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := d.world.Engine.Book.Failures.SaveCount(d.t.Context(), domain.CountedAt(tally, time.Now())); err != nil {
		d.t.Fatal(err)
	}
}

// TestNoPageOfACrowdTakesASecond times the pages in front of the real API and the real ledger, over a table in memory.
// docs/console.md has the figures.
func TestNoPageOfACrowdTakesASecond(t *testing.T) {
	const limit = time.Second
	d := sit(t, nil)
	d.fail(*crowd)
	runtime.GC()
	last := fmt.Sprintf("%07d", *crowd-1)
	var slowest time.Duration
	timed := func(path string, want ...string) seen {
		t.Helper()
		best := time.Hour // of three: others use the machine
		var p seen
		for range 3 {
			at := time.Now()
			p = d.get(path)
			if best = min(best, time.Since(at)); best < limit {
				break
			}
		}
		t.Logf("%8s  %s", best.Round(time.Millisecond), strings.SplitN(path, "cursor=", 2)[0])
		if best > limit {
			t.Errorf("%s: got %s, want less than %s", path, best, limit)
		}
		slowest = max(slowest, best)
		if p.status != http.StatusOK {
			t.Errorf("%s: got status %d", path, p.status)
		}
		for _, text := range want {
			if !strings.Contains(p.body, text) {
				t.Errorf("%s lacks %q", path, text)
			}
		}
		return p
	}
	timed("/", "in quarantine", "Error0001")
	timed("/failures", "Error0001", "failures of other errors")
	timed("/failures?status=QUARANTINED&error=Error0001&state=Enrich", "Error0001", "Replay these failures")
	timed("/failures?status=WAITING", "Error0010")
	timed("/failures?status=HELD", "Error0000")
	timed("/failures?cause=priceUsd", "listing.priceUsd")
	timed("/failures?cause=nowhere")
	timed("/failures?owner=A-7", "A-7")
	timed("/failures?resource=L-"+last, "L-"+last)
	timed("/search?q=live-L-1", "BadListing")
	timed("/search?q=nothing", "Nothing was found")
	timed("/replays/new?failures=on&error=Error0001", "Make the plan")
	timed("/version?resource=L-1", "BadListing")
	next, path := regexp.MustCompile(`<a href="([^"]*)" rel="next">`), "/failures?status=QUARANTINED"
	for pages := 0; path != "" && pages < 20; pages++ {
		p := timed(path, "One by one")
		path = ""
		if m := next.FindStringSubmatch(p.body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	t.Logf("%d failures: the slowest page took %s", *crowd, slowest.Round(time.Millisecond))
}
