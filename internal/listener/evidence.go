package listener

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/release"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

const (
	// evidenceReads is how many pages one message adds to the digest of a replay, which takes some seconds.
	evidenceReads = 100
	// evidenceAgain is how long the evidence of a replay must have made no progress before another message begins it
	// again.
	evidenceAgain = 30 * time.Second
)

// gathered is what was gathered from the items of a replay so far. Its size does not depend on their number.
type gathered struct {
	Items    int                       `json:"items"`
	Digest   *replay.ItemsDigest       `json:"-"`
	Sum      []byte                    `json:"sum"` // state of Digest
	Failed   []replay.Item             `json:"failed,omitempty"`
	Selected []replay.SelectedFailures `json:"selected,omitempty"`
	Others   int                       `json:"others,omitempty"`
}

// evidence writes the evidence of a replay that has ended. Each message goes on where the one before stopped: a replay
// of any size need not fit in memory. Such a replay no longer changes, so a repeated message finds the same. If two
// messages come to the end, one of them writes.
func (l *Listener) evidence(ctx context.Context, msg protocol.ReplayMessage) error {
	r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil || !r.Status.Final() || r.DryRun || r.Evidence != "" {
		return err
	}
	now := l.now()
	since, begins := now, len(msg.Gathered) == 0 && msg.Tries == 0
	if begins { // each function that finds that the replay has ended sends such a message
		since = now.Add(-evidenceAgain)
	}
	err = l.Book.Evidence.MarkWriting(ctx, r.ID, domain.At(now), domain.At(since))
	switch {
	case errors.Is(err, ledger.ErrConflict) && begins: // another one is at work
		return nil
	case err != nil && !errors.Is(err, ledger.ErrConflict):
		return err
	}
	g, err := readGathered(msg.Gathered)
	if err != nil {
		return fmt.Errorf("evidence of replay %s: %w", r.ID, err)
	}
	for items, err := range l.readOn(ctx, r, &msg.Cursor, evidenceReads) {
		if err == nil {
			err = l.gather(ctx, &g, items)
		}
		if err != nil {
			return err
		}
	}
	if msg.Cursor != "" {
		if msg.Gathered, err = g.encode(); err != nil {
			return err
		}
		return l.sendOn(ctx, msg)
	}
	return l.writeEvidence(ctx, r, g)
}

func readGathered(raw json.RawMessage) (g gathered, err error) {
	g.Digest = replay.NewItemsDigest()
	if len(raw) == 0 {
		return g, nil
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		return g, fmt.Errorf("decode what was gathered: %w", err)
	}
	return g, g.Digest.UnmarshalBinary(g.Sum)
}

func (g gathered) encode() (raw json.RawMessage, err error) {
	if g.Sum, err = g.Digest.MarshalBinary(); err != nil {
		return nil, err
	}
	if raw, err = json.Marshal(g); err != nil {
		return nil, fmt.Errorf("encode what was gathered: %w", err)
	}
	return raw, nil
}

// gather adds items, and the present statuses of the selected failures.
func (l *Listener) gather(ctx context.Context, g *gathered, items []domain.Item) error {
	var failures []string
	for _, it := range items {
		shown := it.Shown()
		g.Items++
		g.Digest.Add(shown)
		if it.Outcome == replay.Failed && len(g.Failed) < replay.EvidenceSample {
			shown.Reason = cut(shown.Reason)
			g.Failed = append(g.Failed, shown)
		}
		if it.Failure != "" {
			failures = append(failures, it.Failure)
		}
	}
	if len(failures) == 0 {
		return nil
	}
	rows, err := l.Book.Failures.Find(ctx, failures)
	for _, f := range rows {
		g.count(f)
	}
	return err
}

func (g *gathered) count(f domain.Failure) {
	name, state := cut(f.Error), cut(f.State)
	at := slices.IndexFunc(g.Selected, func(s replay.SelectedFailures) bool { return s.Error == name && s.State == state })
	if at < 0 {
		if len(g.Selected) == replay.MaxFailureGroups {
			g.Others++
			return
		}
		at = len(g.Selected)
		g.Selected = append(g.Selected, replay.SelectedFailures{Error: name, State: state, Now: map[string]int{}})
	}
	g.Selected[at].Count++
	g.Selected[at].Now[string(f.Status)]++
}

// maxEvidenceText is how many bytes of a string messages carry.
const maxEvidenceText = 256

func cut(text string) string {
	if len(text) <= maxEvidenceText {
		return text
	}
	return replay.Shorten(text)
}

func (l *Listener) writeEvidence(ctx context.Context, r domain.Replay, g gathered) error {
	req, err := l.request(ctx, r.ID)
	if errors.Is(err, eventlog.ErrNotFound) { // deleted by hand: use what the ledger has
		req.Request = replay.Request{Action: r.Action, Select: replay.Select{OwnerID: r.OwnerID}, Reason: r.Reason}
	} else if err != nil {
		return err
	}
	now := l.now()
	e := replay.Evidence{
		Version: replay.EvidenceVersion, ReplayID: r.ID, Status: r.Status, Action: r.Action, Reason: r.Reason,
		RequestedBy: r.RequestedBy, CreatedAt: r.CreatedAt.Time, CompletedAt: r.CompletedAt.Pointer(), Stopped: r.Stop(),
		Truncated: r.Truncated, Looked: r.Looked, Request: req.Request, Counts: r.Counts(),
		Items: g.Items, Digest: g.Digest.Sum(), Failed: g.Failed,
		Failures:  replay.EvidenceFailures{Selected: g.Selected, Others: g.Others},
		Software:  replay.Software{Release: release.Version, Go: runtime.Version()},
		WrittenAt: now.UTC().Truncate(time.Millisecond),
	}
	if a := req.Apply; a != nil {
		e.PlanID, e.PlanHash = a.PlanID, a.PlanHash
	}
	before, err := l.Book.Failures.Counted(ctx, time.Time{}, r.CreatedAt.Time)
	if err == nil {
		e.Failures.Before = countOf(before, false)
	} else if !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	after, partial, err := l.Book.Failures.CountNow(ctx, now)
	if err != nil {
		return err
	}
	e.Failures.After = countOf(after, partial)
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode evidence of replay %s: %w", r.ID, err)
	}
	err = l.Log.PutOnce(ctx, eventlog.EvidenceKey(r.ID), body)
	if err != nil && !errors.Is(err, eventlog.ErrExists) { // otherwise an earlier delivery wrote it
		return err
	}
	if err := l.Book.Evidence.SetDigest(ctx, r.ID, e.Digest); err != nil {
		return err
	}
	l.Logger.InfoContext(ctx, "evidence written", "replayId", r.ID, "items", e.Items)
	return nil
}

func countOf(c domain.Counted, partial bool) *replay.FailureCount {
	out := &replay.FailureCount{
		CountedAt: c.At.Time, Total: c.Others, Groups: make([]replay.FailureTotal, len(c.Groups)), Others: c.Others, Partial: partial,
	}
	for i, g := range c.Groups {
		out.Groups[i] = replay.FailureTotal{Status: g.Status, Error: g.Error, State: g.State, Count: g.Count}
		out.Total += g.Count
	}
	return out
}
