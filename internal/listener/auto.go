package listener

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// auto replays a failure that auto-replay found due.
func (l *Listener) auto(ctx context.Context, msg protocol.ReplayMessage) error {
	f, err := l.Book.Failures.Get(ctx, domain.FailureID(msg.Execution, msg.RedriveCount))
	if err != nil {
		return err
	}
	if !f.Status.Open() {
		return nil // closed since the message was sent
	}
	if f.Redrive != "" {
		return nil // it is redriven instead
	}
	if paused, err := l.autoPaused(ctx); paused || err != nil {
		return err
	}
	if waits, err := l.pace(ctx, domain.Replay{ID: ledger.AutoClaimant}, msg); waits || err != nil {
		return err
	}
	if f, err = l.markRetrying(ctx, f); err != nil {
		return err
	}
	row, err := l.Book.Executions.Get(ctx, domain.AutoName(f.Root, f.Attempt+1))
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		row, err = l.announce(ctx, f)
	case err == nil && (row.Status == domain.Starting || row.Error == domain.NeverStarted):
		row, err = l.overtaken(ctx, f, row)
	}
	if err != nil || row.Name == "" {
		return err
	}
	_, vd, err := l.start(ctx, row)
	if vd != nil && err == nil {
		return l.move(ctx, f, domain.Move{To: domain.Quarantined, Decision: vd.reason})
	}
	return err
}

// markRetrying keeps a redrive from taking over a failure whose message came before auto-replay recorded that it was
// sent.
func (l *Listener) markRetrying(ctx context.Context, f domain.Failure) (domain.Failure, error) {
	if f.Status != domain.Waiting {
		return f, nil
	}
	m := domain.Move{
		To: domain.Retrying, Decision: fmt.Sprintf("automatic replay %d starts", f.Attempt+1), DueAt: l.now().Add(redriveRecheck),
	}
	err := l.Book.Failures.Move(ctx, f, m, domain.Waiting)
	f.Status = domain.Retrying
	return f, err
}

// announce writes the row that lets Record accept the automatic replay. It returns the zero row if there is nothing to
// start, because a newer event has come since the message was sent.
func (l *Listener) announce(ctx context.Context, f domain.Failure) (domain.Execution, error) {
	row := domain.Execution{
		Name: domain.AutoName(f.Root, f.Attempt+1), Mode: domain.Auto, Status: domain.Starting,
		ResourceID: f.ResourceID, OwnerID: f.OwnerID, VersionID: f.VersionID, RecordedAt: f.RecordedAt,
		StartedAt: domain.At(l.now()), Place: f.StartedAt, Attempt: f.Attempt + 1, Root: f.Root,
		Failure: domain.FailureID(f.Execution, f.RedriveCount), Reason: "failed with " + f.Error,
	}
	if len(row.Reason) > maxReason {
		row.Reason = strings.ToValidUTF8(row.Reason[:maxReason], "")
	}
	if f.VersionID == "" {
		row.Mode, row.ResourceID, row.OwnerID = domain.Restart, "", "" // Record finds them
	}
	m, err := l.Superseding.Needless(ctx, f, l.SupersedeOlder)
	if err != nil {
		return domain.Execution{}, err
	}
	if m != nil {
		return domain.Execution{}, l.move(ctx, f, *m)
	}
	present, err := l.Book.Executions.Add(ctx, row)
	if errors.Is(err, ledger.ErrConflict) {
		return present, nil
	}
	return row, err
}

// overtaken checks an execution that an earlier delivery announced and may not have started: a newer event may have
// come since. It returns the row, or the zero row if there is nothing to start any more.
func (l *Listener) overtaken(ctx context.Context, f domain.Failure, row domain.Execution) (domain.Execution, error) {
	m, err := l.Superseding.Needless(ctx, f, l.SupersedeOlder)
	if err != nil || m == nil {
		return row, err
	}
	if begun, err := l.withdraw(ctx, row, m.Decision); begun || err != nil {
		return domain.Execution{}, err
	}
	return domain.Execution{}, l.move(ctx, f, *m)
}

// maxReason keeps the reason well under the size of an SNS message attribute; error names may be long.
const maxReason = 500

func (l *Listener) move(ctx context.Context, f domain.Failure, m domain.Move) error {
	err := l.Book.Failures.Move(ctx, f, m, domain.Waiting, domain.Retrying)
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	if err == nil {
		l.Logger.InfoContext(ctx, "failure decided on", "execution", f.Execution, "resourceId", f.ResourceID,
			"status", m.To, "decision", m.Decision)
	}
	return err
}
