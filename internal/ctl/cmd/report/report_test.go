package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// rendered is Markdown as GitHub renders it, with all HTML that it has.
func rendered(t *testing.T, page string) string {
	t.Helper()
	var out bytes.Buffer
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := markdown.Convert([]byte(page), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAReportIsAPageOfTheEvidence(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Ingest("r2")
	w.Engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "r2") {
			return "", "ListingBroken"
		}
		return event, ""
	}
	id := w.Ask(`{"select":{"resourceIds":["r1","r2"]},"maxFailures":5,"reason":"after the outage"}`)
	w.Run("report "+id).Wants(t, exit.Refused, nil, []string{"its evidence is written when it has ended", "status " + id + " --wait"})
	w.Engine.Pump()

	got := w.Run("report " + id)
	got.Wants(t, exit.OK, []string{
		"# Replay `" + id + "`", "It ended as **COMPLETED**", "`after the outage`", "2 resources: `r1`, `r2`", "maxFailures 5",
		"| succeeded | 1 |", "| failed | 1 |", "| `r2` |", "`ListingBroken`", "replayctl report " + id + " --verify",
		"replays/" + id + "/evidence.json",
	}, nil)
	page := rendered(t, got.Out)
	if n := strings.Count(page, "<table>"); n < 3 {
		t.Errorf("got %d tables, want those of the request, the outcomes and the failed items:\n%s", n, page)
	}
	if newest := w.Run("report"); newest.Out != got.Out {
		t.Error("without an id it is not about the newest replay")
	}
	var e replay.Evidence
	got = w.Run("report " + id + " -o json")
	if err := json.Unmarshal([]byte(got.Out), &e); err != nil || e.ReplayID != id || e.Items != 2 {
		t.Errorf("got %s, %v, want the evidence", got.Out, err)
	}
}

func TestADryRunHasNoReport(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	id := w.Ask(`{"select":{"resourceIds":["r1"]},"dryRun":true,"reason":"a look"}`)
	w.Engine.Pump()
	w.Run("report "+id).Wants(t, exit.Refused, nil, []string{"is a dry run, which has no evidence"})
	w.Run("report 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D").Wants(t, exit.Refused, nil, []string{"there is no replay"})
}

func TestVerifyComparesTheItemsWithTheEvidence(t *testing.T) {
	w := operator.New(t)
	for i := range 30 {
		w.Ingest(fmt.Sprint("r", i))
	}
	id := w.Ask(`{"select":{"all":true},"maxItems":100,"reason":"all of it"}`)
	w.Engine.Pump()
	w.Run("report "+id+" --verify").Wants(t, exit.OK, []string{"30", "the items are those of the evidence"}, nil)

	var v struct{ Same bool }
	got := w.Run("report " + id + " --verify -o json")
	if err := json.Unmarshal([]byte(got.Out), &v); err != nil || !v.Same {
		t.Errorf("got %s, %v, want the same", got.Out, err)
	}
	body, err := w.Engine.Log.Object(t.Context(), eventlog.EvidenceKey(id))
	if err != nil {
		t.Fatal(err)
	}
	var forged replay.Evidence
	if err := json.Unmarshal(body, &forged); err != nil {
		t.Fatal(err)
	}
	forged.Digest = strings.Repeat("0", 64)
	if body, err = json.Marshal(forged); err != nil {
		t.Fatal(err)
	}
	if err := w.Engine.Log.PutObject(t.Context(), eventlog.EvidenceKey(id), body); err != nil {
		t.Fatal(err)
	}
	w.Run("report "+id+" --verify").Wants(t, exit.General, []string{"the items differ from the evidence"}, nil)
}

// Ids, reasons and errors are other people's texts.
var hostile = []string{
	"a|b", "`", "``x`|`", "<script>alert(1)</script>", "[x](https://evil.test)", "![x](https://evil.test/x.png)", "https://evil.test",
	"@team #1", `\`, `\|`, "*bold* _it_ ~~no~~", "</details>", "&lt;", " # title", "|---|", "```", "$x$",
}

func TestAReportOfHostileTextsHasNothingOfTheirs(t *testing.T) {
	w := operator.New(t)
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "<img src=x>|`[e](https://evil.test)" }
	for _, id := range hostile {
		w.Ingest(id)
	}
	ids, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	reason := strings.Join(hostile, " ")
	text, err := json.Marshal(reason)
	if err != nil {
		t.Fatal(err)
	}
	id := w.Ask(fmt.Sprintf(`{"select":{"resourceIds":%s,"where":"@.id != \"|<b>`+"`"+`\""},"reason":%s}`, ids, text))
	w.Engine.Pump()
	got := w.Run("report " + id)
	got.Wants(t, exit.OK, nil, nil)
	page := rendered(t, got.Out)
	page = strings.ReplaceAll(page, `<a href="https://us-east-1.console.aws.amazon.com/`, "")
	for _, bad := range []string{"<script", "<img", "<a ", "<strong>b", "<em>", "<del>", "<h1>title"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s:\n%s", bad, page)
		}
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
	for _, id := range hostile {
		if !strings.Contains(page, "<td><code>"+escape.Replace(strings.TrimSpace(id))+"</code></td>") &&
			!strings.Contains(page, "<td><code>"+escape.Replace(id)+"</code></td>") {
			t.Errorf("no row is about %q", id)
		}
	}
	_, rows, _ := strings.Cut(page, "Failed items</h2>")
	rows, _, _ = strings.Cut(rows, "</table>")
	if got, want := strings.Count(rows, "<td>"), 4*len(hostile); got != want {
		t.Errorf("got %d cells, want %d: a text has ended its cell:\n%s", got, want, rows)
	}
	if !strings.Contains(page, "<code>"+escape.Replace(reason)+"</code>") {
		t.Error("the reason is not there as it is")
	}
	if t.Failed() {
		t.Log(got.Out)
	}
}
