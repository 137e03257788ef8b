package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// unrecorded is how many events makeHistory sends that Record refuses.
const unrecorded = 1

// truth is what the ledger, the bucket and the queues of a stack say, under the names of the metrics.
type truth map[string]float64

// checkSums compares what the functions have counted with what there is.
func (y *system) checkSums(t *testing.T, data []emftest.Datum, lines []logLine) {
	t.Helper()
	want := truth{}
	y.readRows(t, want)
	for _, l := range lines {
		if l.fields["level"] == "ERROR" {
			want["Errors"]++
		}
		if l.fields["message"] == "auto-replay done" {
			want["AutoReplayRuns"]++
		}
	}
	got := emftest.Sums(data)
	for _, m := range schema.Metrics() {
		if m.Statistic != "Sum" && m.Name != "UnaccountedVersions" {
			continue // measured, and looked at below
		}
		if got[m.Name] != want[m.Name] {
			t.Errorf("%s: the functions have counted %v, there are %v", m.Name, got[m.Name], want[m.Name])
		}
		t.Logf("%-20s %v", m.Name, got[m.Name])
	}
	if n := y.liveVersions(t); want["Recorded"] != float64(n) {
		t.Errorf("the ledger has %v recorded events, the bucket %d versions", want["Recorded"], n)
	}
	if n := y.waiting(t, y.DownstreamQueueURL); got["Published"]+got["Republished"] != float64(n) {
		t.Errorf("%v published and %v again, but %d messages have arrived", got["Published"], got["Republished"], n)
	}
	if n := values(data, "TimeToHeal"); float64(len(n)) != got["Healed"] || slices.Min(n) < 0 || slices.Max(n) > 600 {
		t.Errorf("times to heal are %v s, of %v healed", n, got["Healed"])
	}
	if n := values(data, "InQuarantine"); n[len(n)-1] != want["in quarantine"] {
		t.Errorf("the last run counted %v in quarantine, there are %v", n[len(n)-1], want["in quarantine"])
	}
	if n := slices.Max(values(data, "DeadLettersLeft")); n != 0 {
		t.Errorf("a run had to leave %v dead letters", n)
	}
	if n := slices.Max(values(data, "OutcomesStuck")); n <= 0 || n > 600 {
		t.Errorf("the tracker has failed for %v s, and there is a message that nobody can read", n)
	}
	rate := values(data, "FailureRate")
	failed := 0.0
	for _, v := range rate {
		failed += v / 100
	}
	if float64(len(rate)) != want["ended"] || failed != want["failed"] {
		t.Errorf("%v of %d live executions count as failed, %v of %v have", failed, len(rate), want["failed"], want["ended"])
	}
}

// values are those of a metric in the order in which they were written.
func values(data []emftest.Datum, name string) (all []float64) {
	of := slices.DeleteFunc(slices.Clone(data), func(d emftest.Datum) bool { return d.Name != name })
	slices.SortStableFunc(of, func(a, b emftest.Datum) int { return a.At.Compare(b.At) })
	for _, d := range of {
		all = append(all, d.Values...)
	}
	return all
}

// readRows reads the whole ledger.
func (y *system) readRows(t *testing.T, want truth) {
	t.Helper()
	rows, err := y.Rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range rows.Executions {
		want.execution(e)
	}
	for _, f := range rows.Failures {
		want.failure(f)
	}
	for id, r := range rows.Replays {
		want.count("ReplaysHalted", r.Status == replay.Halted)
		for _, it := range rows.Items[id] {
			want.item(it)
			want.count("Republished", r.Action == replay.Republish && it.Outcome == replay.Succeeded)
		}
	}
	want["ended"] += unrecorded // without a row
	want["failed"] += unrecorded
}

func (w truth) count(name string, is bool) {
	if is {
		w[name]++
	}
}

func (w truth) execution(e domain.Execution) {
	live := e.Mode == domain.Live
	w.count("Recorded", live)
	w.count("ended", live && e.Status.Terminal())
	w.count("failed", live && e.Status == domain.Failed)
	w.count("Published", !e.PublishedAt.IsZero())
	w.count("PublishSuppressed", e.Suppress && e.Status == domain.Succeeded)
	w.count("PublishSuperseded", e.Superseded)
	w.count("AutoReplayed", e.Mode == domain.Auto)
}

func (w truth) failure(f domain.Failure) {
	healed := f.Status == domain.Healed
	w.count("Failures", true)
	w.count("Healed", healed)
	w.count("FailedAgain", f.Status == domain.FailedAgain)
	w.count("Superseded", f.Status == domain.Superseded)
	w.count("Closed", f.Status == domain.Closed)
	w.count("in quarantine", f.Status == domain.Quarantined)
	// Those that a replay by API has healed were in quarantine before.
	w.count("Quarantined", f.Status == domain.Quarantined || healed && strings.HasPrefix(f.HealedBy, "rp-"))
}

func (w truth) item(it domain.Item) {
	w.count("ReplayItemsStarted", it.ARN != "")
	w.count("ReplayItemsSucceeded", it.Outcome == replay.Succeeded)
	w.count("ReplayItemsFailed", it.Outcome == replay.Failed)
	w.count("ReplayItemsSkipped", it.Outcome == replay.Skipped)
	w.count("ReplayItemsPlanned", it.Outcome == replay.WouldRun)
}

// liveVersions counts the versions of the event log.
func (y *system) liveVersions(t *testing.T) (n int) {
	t.Helper()
	pages := s3.NewListObjectVersionsPaginator(y.Bucket, &s3.ListObjectVersionsInput{
		Bucket: &y.EventLogBucket, Prefix: aws.String(schema.EventsPrefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Versions)
	}
	return n
}
