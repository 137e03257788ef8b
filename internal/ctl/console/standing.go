package console

import (
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
)

// mark is a status as a page shows it.
type mark struct{ Text, Tone string }

// standing shows the status of a replay. A replay that has ended is only good if none of its items failed.
func standing(status replay.Status, failed int, appliedBy string) mark {
	m := mark{string(status), tone(status)}
	switch {
	case status == replay.Completed && failed > 0:
		m = mark{fmt.Sprintf("%s, %s failed", status, grouped(failed)), "wait"}
	case appliedBy != "":
		m = mark{string(status) + ", applied", "plain"}
	}
	return m
}

// progress is how far a replay is. In a stopped replay, items that did not run are not done.
type progress struct {
	Done, Of int
	Text     string // such as "3 of 20 items"
	Verb     string // what the items have done
	Rest     string // what happened to the others; empty: they go on
}

func progressOf(s replay.Summary) progress {
	n := s.Counts
	p := progress{Done: n.Succeeded + n.Failed, Of: n.Matched, Verb: verb(n.Matched, "has run", "have run")}
	if s.Stopped == nil {
		p.Done, p.Verb = p.Done+n.Skipped, verb(n.Matched, "has ended", "have ended")
	}
	p.Text = fmt.Sprintf("%s of %s", grouped(p.Done), things(p.Of, "item"))
	if s.Stopped != nil && n.Skipped > 0 {
		p.Rest = things(n.Skipped, "item") + " did not run: stopped with the replay, or skipped."
	}
	if s.Stopped != nil && !s.Status.Final() {
		p.Rest = strings.TrimSpace(p.Rest + " What runs ends by itself.")
	}
	return p
}

// Share is the share that is done, in percent.
func (p progress) Share() string { return ratio(p.Done, p.Of) }

// things counts things, such as "1 item" and "2,000 items".
func things(n int, thing string) string { return grouped(n) + " " + noun(n, thing) }

// noun is a noun in the singular or plural.
func noun(n int, thing string) string { return verb(n, thing, thing+"s") }

// verb is one for one thing, several for others.
func verb(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}
