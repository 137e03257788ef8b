package console

import (
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
)

// mark is a status as a page shows it.
type mark struct{ Text, Tone string }

// standing is how a replay stands. One that has ended is only good if nothing of it failed.
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

// progress is how far a replay is. Of one that was stopped, what did not run is not done.
type progress struct {
	Done, Of int
	Text     string // such as "3 of 20 items"
	Verb     string // what they have
	Rest     string // what became of the others; empty: they go on
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

// Share is the part that is done, in percent.
func (p progress) Share() string { return ratio(p.Done, p.Of) }

// things counts things, such as "1 item" and "2,000 items".
func things(n int, thing string) string { return grouped(n) + " " + noun(n, thing) }

// noun is what n things are called.
func noun(n int, thing string) string { return verb(n, thing, thing+"s") }

// verb is what one does, or several do.
func verb(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}
