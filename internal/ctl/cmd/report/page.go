package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// page is the evidence of a replay as Markdown. Times are in UTC: a postmortem has readers in several zones.
func page(f *factory.Factory, e replay.Evidence) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Replay %s", code(e.ReplayID))
	line("")
	line("%s, %s. It ended as **%s**.", title(e), counted(e.Items, "item"), e.Status)
	line("")
	line("| | |")
	line("|---|---|")
	row := func(name, value string) {
		if value != "" {
			line("| %s | %s |", name, value)
		}
	}
	row("why", cell(e.Reason))
	row("who", cell(e.RequestedBy))
	row("requested", at(&e.CreatedAt))
	row("ended", at(e.CompletedAt)+took(e))
	if s := e.Stopped; s != nil {
		row("stopped", fmt.Sprintf("%s at %s: %s", s.Status, at(&s.At), cell(s.Reason)))
		row("stopped by", cell(s.By))
	}
	row("selection", selection(e.Request.Select))
	row("versions", versions(e.Request.Versions))
	row("transform", transform(e.Request.Transform))
	row("publish", string(e.Request.Publish))
	row("limits", limits(e.Request))
	if e.PlanID != "" {
		row("plan", code(e.PlanID)+", hash "+code(e.PlanHash))
	}
	outcomes(line, e)
	failures(line, e.Failures)
	failed(line, f, e)
	line("")
	line("## Evidence")
	line("")
	line("- Digest over %s: %s", counted(e.Items, "item"), code(e.Digest))
	line("- Written %s by release %s, %s, to %s.", at(&e.WrittenAt), code(e.Software.Release), code(e.Software.Go),
		code(f.EventLogObject("replays/"+e.ReplayID+"/evidence.json")))
	line("- Verify the digest with %s, which reads the items and computes it again.", code("replayctl report "+e.ReplayID+" --verify"))
	if request := document(e.Request); request != "" {
		line("")
		line("<details><summary>The request</summary>")
		line("")
		b.WriteString(block(request))
		line("")
		line("</details>")
	}
	return b.String()
}

// maxRequest is how long a request may be that a page shows: some have a million ids.
const maxRequest = 20_000

// document is a request as JSON, empty if it is too long for a page.
func document(r replay.Request) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil || b.Len() > maxRequest {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func title(e replay.Evidence) string {
	if e.Action == replay.Republish {
		return "Stored outputs were published again"
	}
	return "Events ran again"
}

func outcomes(line func(string, ...any), e replay.Evidence) {
	line("")
	line("## Outcomes")
	line("")
	line("| outcome | items |")
	line("|---|---:|")
	c := e.Counts
	line("| succeeded | %d |", c.Succeeded)
	line("| failed | %d |", c.Failed)
	line("| skipped | %d |", c.Skipped)
	line("| all | %d |", c.Matched)
	if e.Truncated {
		line("")
		line("The selection had more: `maxItems` was reached.")
	}
	if e.Looked > 0 {
		line("")
		line("The filters of the selection looked at %s.", counted(e.Looked, "event"))
	}
}

func failures(line func(string, ...any), f replay.EvidenceFailures) {
	line("")
	line("## Failures")
	if len(f.Selected) > 0 {
		line("")
		line("The failures that were selected, and their status after the replay:")
		line("")
		line("| error | state | selected | after |")
		line("|---|---|---:|---|")
		for _, s := range f.Selected {
			var now []string
			for _, status := range slices.Sorted(maps.Keys(s.Now)) {
				now = append(now, fmt.Sprintf("%d %s", s.Now[status], cell(status)))
			}
			line("| %s | %s | %d | %s |", cell(s.Error), cell(s.State), s.Count, strings.Join(now, ", "))
		}
		if f.Others > 0 {
			line("| others | | %d | |", f.Others)
		}
	}
	line("")
	if f.Before == nil {
		line("No count from before the replay is kept.")
	} else {
		line("Before the replay, at %s: **%s** open or in quarantine, in the whole ingestion.", at(&f.Before.CountedAt), total(f.Before))
	}
	if f.After != nil {
		line("After it, at %s: **%s**.", at(&f.After.CountedAt), total(f.After))
	}
	groups := changes(f)
	if len(groups) == 0 {
		return
	}
	line("")
	line("| status | error | state | before | after |")
	line("|---|---|---|---:|---:|")
	for _, g := range groups {
		line("| %s | %s | %s | %s | %s |", g.Status, cell(g.Error), cell(g.State), g.before, g.after)
	}
}

func total(c *replay.FailureCount) string {
	text := counted(c.Total, "failure")
	if c.Partial {
		text = "at least " + text
	}
	return text
}

// change is a group of failures before and after.
type change struct {
	replay.FailureTotal
	before, after string
}

// mostGroups is how many groups of failures a page shows.
const mostGroups = 20

func changes(f replay.EvidenceFailures) (all []change) {
	places := map[replay.FailureTotal]int{}
	unknown := func(c *replay.FailureCount) string { // of a group that a count does not have
		if c == nil {
			return "?"
		}
		return "0"
	}
	add := func(c *replay.FailureCount, set func(*change, string)) {
		if c == nil {
			return
		}
		for _, g := range c.Groups {
			name := g
			name.Count = 0
			i, known := places[name]
			if !known {
				i = len(all)
				places[name] = i
				all = append(all, change{FailureTotal: name, before: unknown(f.Before), after: unknown(f.After)})
			}
			set(&all[i], fmt.Sprint(g.Count))
		}
	}
	add(f.After, func(c *change, n string) { c.after = n })
	add(f.Before, func(c *change, n string) { c.before = n })
	return all[:min(len(all), mostGroups)]
}

func failed(line func(string, ...any), f *factory.Factory, e replay.Evidence) {
	if len(e.Failed) == 0 {
		return
	}
	line("")
	line("## Failed items")
	line("")
	if n := len(e.Failed); n < e.Counts.Failed {
		line("The first %d of %d. All of them: %s", n, e.Counts.Failed, code("replayctl items "+e.ReplayID+" --outcome failed"))
		line("")
	}
	line("| resource | version | execution | reason |")
	line("|---|---|---|---|")
	for _, it := range e.Failed {
		execution := cell(it.ExecutionARN[strings.LastIndex(it.ExecutionARN, ":")+1:])
		if link := f.ConsoleURL(it.ExecutionARN); link != "" {
			execution = fmt.Sprintf("[%s](<%s>)", execution, link) // of what ARNs may have, the URL escapes what ends a link
		}
		line("| %s | %s | %s | %s |", cell(it.ResourceID), cell(it.VersionID), execution, cell(it.Reason))
	}
}

func at(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func took(e replay.Evidence) string {
	if e.CompletedAt == nil {
		return ""
	}
	return fmt.Sprintf(" (took %s)", e.CompletedAt.Sub(e.CreatedAt).Round(100*time.Millisecond))
}

func counted(n int, thing string) string { return factory.Plural(n, thing) }

// code writes other people's text so that Markdown has nothing to read in it: a code span, whose fence is longer than
// any in the text. A span has no HTML, links or mentions.
func code(text string) string {
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(text)+1)
	text = output.Printable(text)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.TrimSpace(text) == "" || text[0] == ' ' {
		text = " " + text + " "
	}
	return fence + text + fence
}

// cell is code in a table, where a bar ends a cell also within a span. Readers do not agree on what a backslash before an
// escaped bar means, so a text with bars is written in character references, which are never read as Markdown.
func cell(text string) string {
	if !strings.Contains(text, "|") {
		return code(text)
	}
	var b strings.Builder
	for _, r := range output.Printable(text) {
		if r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' ' {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return "<code>" + b.String() + "</code>"
}

// block is a fenced block of JSON.
func block(text string) string {
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	return fence + "json\n" + output.PrintableJSON(text) + "\n" + fence + "\n"
}

func longestRun(text string) (longest int) {
	run := 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
