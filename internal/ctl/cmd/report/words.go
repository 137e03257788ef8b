package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// mostIDs is how many ids a selection names.
const mostIDs = 10

// selection says in words what was selected.
func selection(s replay.Select) string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.All {
		add("every resource")
	}
	if n := len(s.ResourceIDs); n > 0 {
		ids := make([]string, min(n, mostIDs))
		for i := range ids {
			ids[i] = cell(s.ResourceIDs[i])
		}
		text := strings.Join(ids, ", ")
		if n > mostIDs {
			text += fmt.Sprintf(" and %d more", n-mostIDs)
		}
		add("%s: %s", counted(n, "resource"), text)
	}
	if s.OwnerID != "" {
		add("resources of owner %s", cell(s.OwnerID))
	}
	if f := s.Failures; f != nil {
		add("failures in quarantine%s", failureFilter(*f))
	}
	if w := s.Recorded; w != nil {
		add("recorded%s", between(w.From, w.To))
	}
	if s.Outcome != "" {
		add("whose version has the outcome %s", cell(string(s.Outcome)))
	}
	if s.Where != "" {
		add("whose event fits %s", cell(s.Where))
	}
	return strings.Join(all, "; ")
}

func failureFilter(f replay.FailureFilter) string {
	text := ""
	for _, part := range []struct{ name, value string }{{"error", f.Error}, {"state", f.State}, {"cause", f.Cause}} {
		if part.value != "" {
			text += fmt.Sprintf(", %s %s", part.name, cell(part.value))
		}
	}
	if f.Since != nil || f.Until != nil {
		text += ", failed" + between(f.Since, f.Until)
	}
	return text
}

func between(from, to *time.Time) (text string) {
	if from != nil {
		text += " from " + at(from)
	}
	if to != nil {
		text += " to before " + at(to)
	}
	return text
}

// versions says in words which versions were replayed.
func versions(v replay.Versions) string {
	onFailure := ""
	if v.OnFailure != "" {
		onFailure = fmt.Sprintf("; on a failure: %s", v.OnFailure)
	}
	switch {
	case v.AsOf != nil:
		return "as of " + at(v.AsOf)
	case len(v.IDs) > 0:
		return counted(len(v.IDs), "version") + ", named" + onFailure
	case v.Series != nil:
		series, err := json.Marshal(v.Series)
		if err != nil {
			return ""
		}
		return "series " + cell(string(series)) + onFailure
	}
	return cell(string(v.Mode))
}

// maxTransform is how much of a transform a table shows; the request has all of it.
const maxTransform = 500

func transform(t *replay.Transform) string {
	if t == nil {
		return "none"
	}
	text, err := json.Marshal(t)
	if err != nil {
		return ""
	}
	if len(text) > maxTransform {
		text = append(text[:maxTransform:maxTransform], "…"...)
	}
	return cell(strings.ToValidUTF8(string(text), ""))
}

func limits(r replay.Request) string {
	var all []string
	for _, l := range []struct {
		name string
		n    int
	}{{"maxPerSecond", r.MaxPerSecond}, {"maxItems", r.MaxItems}} {
		if l.n > 0 {
			all = append(all, fmt.Sprintf("%s %d", l.name, l.n))
		}
	}
	if r.MaxFailures != nil {
		all = append(all, fmt.Sprintf("maxFailures %d", *r.MaxFailures))
	}
	if r.Ramp != nil {
		all = append(all, fmt.Sprintf("ramp, maxFailureShare %v", r.Ramp.MaxFailureShare))
	}
	if r.AllowStale {
		all = append(all, "allowStale")
	}
	return strings.Join(all, ", ")
}
