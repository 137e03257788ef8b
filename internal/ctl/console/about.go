package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// fact is a line of the description of a replay.
type fact struct {
	Name, Value string
	Code        bool   // the value is shown as code
	To          string // what the value links to; empty: nothing
}

// maxNamed is how many ids a fact names at most.
const maxNamed = 10

// about describes a request in words.
func (c *Console) about(r replay.Request) (all []fact) {
	add := func(name, value string, code bool) {
		if value != "" {
			all = append(all, fact{Name: name, Value: value, Code: code})
		}
	}
	s := r.Select
	if r.Apply != nil {
		all = append(all, fact{Name: "Applies the plan", Value: r.Apply.PlanID, Code: true, To: "/replays/" + url.PathEscape(r.Apply.PlanID)})
	}
	add("Resources", named(s.ResourceIDs), false)
	add("Owner", s.OwnerID, false)
	if s.All {
		add("Resources", "all of them", false)
	}
	if f := s.Failures; f != nil {
		add("Failures", failuresWords(*f), false)
	}
	add("Outcome", string(s.Outcome), false)
	add("Events that fit", s.Where, true)
	if w := s.Recorded; w != nil {
		add("Recorded", windowWords(w.From, w.To), false)
	}
	add("Versions", versionsWords(r.Versions), false)
	if t := r.Transform; t != nil {
		add("Merge patch", c.patchText(t.MergePatch), true)
		add("JSON patch", c.patchText(t.JSONPatch), true)
		add("JSONata", t.JSONata, true)
		add("Function", t.Function, true)
		add("Parameters", c.patchText(t.Parameters), true)
	}
	switch r.Action {
	case replay.Republish:
		add("Action", "publishes the stored output again, runs nothing", false)
	case replay.Redrive:
		add("Action", "goes on with the failed execution from the state that failed", false)
	case replay.Correct:
		add("Action", "records a corrected version, and runs it", false)
	}
	if r.Publish == replay.PublishSuppress {
		add("Output", "is not published", false)
	}
	add("Target", r.Target, false)
	if r.AllowStale {
		add("Stale versions", "run as well", false)
	}
	if r.IgnorePauseAlarm {
		add("PauseAlarm", "is ignored", false)
	}
	if r.MaxPerSecond > 0 {
		add(label("maxPerSecond"), grouped(r.MaxPerSecond), false)
	}
	if r.MaxItems > 0 {
		add(label("maxItems"), grouped(r.MaxItems), false)
	}
	if r.MaxFailures != nil {
		add(label("maxFailures"), grouped(*r.MaxFailures), false)
	}
	if r.Ramp != nil {
		add("Ramp", fmt.Sprintf("1, 4, 16 … resources; pauses over a share of %v that fails", r.Ramp.MaxFailureShare), false)
	}
	return all
}

func named(ids []string) string {
	if n := len(ids); n > maxNamed {
		return strings.Join(ids[:maxNamed], ", ") + fmt.Sprintf(" and %s more", grouped(n-maxNamed))
	}
	return strings.Join(ids, ", ")
}

func failuresWords(f replay.FailureFilter) string {
	parts := []string{"in quarantine"}
	for _, one := range []struct{ word, value string }{
		{"error", f.Error}, {"state", f.State}, {"cause with", f.Cause}, {"failed", windowWords(f.Since, f.Until)},
	} {
		if one.value != "" {
			parts = append(parts, one.word+" "+one.value)
		}
	}
	return strings.Join(parts, ", ")
}

func windowWords(from, to *time.Time) string {
	var parts []string
	if from != nil {
		parts = append(parts, "from "+from.UTC().Format(utcTime)+" UTC")
	}
	if to != nil {
		parts = append(parts, "before "+to.UTC().Format(utcTime)+" UTC")
	}
	return strings.Join(parts, " ")
}

func versionsWords(v replay.Versions) string {
	switch v.Mode {
	case replay.LatestVersion:
		return "the latest of each resource"
	case replay.FailedVersion:
		return "the ones that failed"
	case replay.VersionIDs:
		return named(v.IDs)
	case replay.VersionAsOf:
		return "the latest as of " + v.AsOf.UTC().Format(utcTime) + " UTC"
	case replay.VersionSeries:
		return "a series, oldest first" + seriesWords(v)
	default:
		return ""
	}
}

func seriesWords(v replay.Versions) (words string) {
	if s := v.Series; s != nil {
		if s.Last > 0 {
			words = fmt.Sprintf(" of the latest %d", s.Last)
		}
		words += boundWords(" from ", s.From) + boundWords(" to ", s.To)
	}
	if v.OnFailure == replay.ContinueOnFailure {
		words += ", going on after a failure"
	}
	return words
}

func boundWords(word string, b *replay.Bound) string {
	switch {
	case b == nil:
		return ""
	case b.Time != nil:
		return word + b.Time.UTC().Format(utcTime) + " UTC"
	default:
		return word + b.VersionID
	}
}

// patchText shows a patch, as the payload mode says: its values are parts of events.
func (c *Console) patchText(patch json.RawMessage) string {
	if patch == nil {
		return ""
	}
	switch c.o.Payloads {
	case PayloadsNone:
		return "(not shown)"
	case PayloadsMasked:
		patch = mask(patch)
	}
	var b bytes.Buffer
	if json.Indent(&b, patch, "", "  ") != nil {
		return output.PrintableJSON(string(patch))
	}
	return output.PrintableJSON(b.String())
}

// seconds shows a duration.
func seconds(n int) string {
	if n <= 0 {
		return "under a second"
	}
	return output.Age(int64(n))
}
