package console

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

func text(v any) string { return fmt.Sprint(v) }

// grouped writes a number with commas between its thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// tone is the color of a status. The text says the same.
func tone(status any) string {
	switch strings.ToUpper(text(status)) {
	case "SUCCEEDED", "COMPLETED", "HEALED", "OK", "PLANNED":
		return "good"
	case "FAILED", "TIMED_OUT", "ABORTED", "QUARANTINED", "HALTED", "ALARM", "FAILED_AGAIN":
		return "bad"
	case "RUNNING", "EXPANDING", "PENDING", "STARTING", "STARTED", "RETRYING":
		return "busy"
	case "WAITING", "HELD", "CANCELLED", "SKIPPED", "PAUSED":
		return "wait"
	default:
		return "plain"
	}
}

const utcTime = "2006-01-02 15:04:05"

// Time shows a time in UTC, and in the zone of this machine if that differs.
func (c *Console) Time(at any) template.HTML {
	var t time.Time
	switch at := at.(type) {
	case time.Time:
		t = at
	case *time.Time:
		if at == nil {
			return ""
		}
		t = *at
	}
	if t.IsZero() {
		return ""
	}
	utc := t.UTC()
	stamp := fmt.Sprintf(`<time datetime="%s">%s UTC</time>`, utc.Format(time.RFC3339), utc.Format(utcTime))
	here := t.In(c.o.Zone)
	if _, offset := here.Zone(); offset != 0 {
		layout := "15:04:05 MST"
		if here.Day() != utc.Day() {
			layout = utcTime + " MST"
		}
		stamp += ` <span class="local">` + template.HTMLEscapeString(here.Format(layout)) + `</span>`
	}
	return template.HTML(stamp) //nolint:gosec // made of digits and the escaped name of a zone
}

// Ago says how long ago a time was.
func (c *Console) Ago(t time.Time) string {
	return output.Age(int64(c.o.Now().Sub(t)/time.Second)) + " ago"
}

// trend shows how a count has changed, "" if that is not known.
func trend(g replay.FailureGroup) string {
	if g.Before == nil {
		return ""
	}
	switch n := g.Count - *g.Before; {
	case n > 0:
		return "+" + grouped(n)
	default:
		return grouped(n)
	}
}

// ratio is a share in percent.
func ratio(part, whole int) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}

// dollars shows an estimate, small ones too.
func dollars(v float64) string {
	if v > 0 && v < 0.01 {
		return "under $0.01"
	}
	return fmt.Sprintf("$%.2f", v)
}

// With combines a value for a part of a page with the console, which formats its times.
func (c *Console) With(v any) any {
	return struct {
		C *Console
		V any
	}{c, v}
}

// Change is the data of the part of a form that changes events. none offers not to change them.
func (c *Console) Change(page wizardPage, action string, none bool) any {
	return c.With(struct {
		Page   wizardPage
		Action string
		None   bool
	}{page, action, none})
}

// Control is the data of the part of a page that pauses or resumes something.
func (c *Console) Control(what, name string, v replay.Control) any {
	return c.With(struct {
		What, Name string
		replay.Control
	}{what, name, v})
}
