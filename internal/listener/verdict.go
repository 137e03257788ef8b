package listener

import (
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/replay"
)

// verdict is what happens to an item for now. A nil verdict lets the item go on.
type verdict struct {
	to      replay.Outcome
	reason  string
	version string
	diff    string
	warning string
	digest  string
	arn     string
}

// later is the verdict about an item that waits for another message. That message was sent, or it is sent once the
// replay is resumed or the next step of its ramp begins.
var later = &verdict{}

func skip(format string, args ...any) *verdict { return skipVersion("", format, args...) }

func skipVersion(version, format string, args ...any) *verdict {
	return &verdict{to: replay.Skipped, version: version, reason: fmt.Sprintf(format, args...)}
}

func fail(version, format string, args ...any) *verdict {
	return &verdict{to: replay.Failed, version: version, reason: fmt.Sprintf(format, args...)}
}

func started(arn string) *verdict { return &verdict{to: replay.Started, arn: arn} }

func gone(versionID string) *verdict {
	return skipVersion(versionID, "version %s is no longer in the event log", versionID)
}

const driftPrefix = "drift: "

// drift marks a verdict that keeps a planned item from running: something has changed since the plan was made.
func (req request) drift(vd *verdict) *verdict {
	if req.Apply == nil || vd == nil || vd.to != replay.Skipped || strings.HasPrefix(vd.reason, driftPrefix) {
		return vd
	}
	marked := *vd
	marked.reason = driftPrefix + vd.reason
	return &marked
}

// transition moves an item to an outcome.
func (l *Listener) transition(it domain.Item, to replay.Outcome, reason string) *progress.Transition {
	return &progress.Transition{
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, Index: it.Index, To: to, Reason: reason,
		Execution: it.Execution, At: l.now(),
	}
}

// decided returns the transition of an item that has a verdict, nil if it waits.
func (l *Listener) decided(it domain.Item, vd *verdict) *progress.Transition {
	if vd == later {
		return nil
	}
	t := l.transition(it, vd.to, vd.reason)
	t.Version, t.Diff, t.Warning, t.Digest, t.ARN = vd.version, vd.diff, vd.warning, vd.digest, vd.arn
	return t
}
