package listener

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/replay"
)

// expand finds one page of a replay's resources, queues an item for each, and queues the next page.
func (l *Listener) expand(ctx context.Context, msg message.Replay) error {
	p, err := l.Book.Page(ctx, msg.ReplayID, msg.Page)
	if errors.Is(err, ledger.ErrNotFound) {
		p, err = l.bindPage(ctx, msg)
	}
	if err != nil || p.Sent {
		return err
	}
	bodies := make([]string, p.Items, p.Items+1)
	for i := range bodies {
		bodies[i] = message.Replay{Kind: message.KindItem, ReplayID: p.ReplayID, Page: p.Number, Ordinal: i}.Encode()
	}
	if p.Next != "" {
		bodies = append(bodies, message.Replay{Kind: message.KindExpand, ReplayID: p.ReplayID, Page: p.Number + 1}.Encode())
	} else if p.Items == 0 { // no item will look whether the replay is complete
		if err := l.Book.CompleteReplay(ctx, p.ReplayID, ledger.At(l.now())); err != nil {
			return err
		}
	}
	if err := l.Queue.Send(ctx, bodies...); err != nil {
		return err
	}
	l.Logger.InfoContext(ctx, "replay page expanded", "replayId", p.ReplayID, "page", p.Number, "items", p.Items)
	return l.Book.MarkSent(ctx, p)
}

// bindPage selects the resources of a page and binds them, so that a redelivery does not select others.
func (l *Listener) bindPage(ctx context.Context, msg message.Replay) (ledger.Page, error) {
	body, err := l.Log.Object(ctx, eventlog.RequestKey(msg.ReplayID))
	if err != nil {
		return ledger.Page{}, err
	}
	request, err := replay.Decode(body)
	if err != nil {
		return ledger.Page{}, err
	}
	ids, next, err := l.selection(ctx, msg, request.Select)
	if err != nil {
		return ledger.Page{}, err
	}
	p := ledger.Page{ReplayID: msg.ReplayID, Number: msg.Page, Items: len(ids), Next: next}
	err = l.Book.AddPage(ctx, p, ids)
	if errors.Is(err, ledger.ErrConflict) { // another delivery bound it
		return l.Book.Page(ctx, msg.ReplayID, msg.Page)
	}
	return p, err
}

// selection returns the resources of a page and the cursor of the next one, empty after the last.
func (l *Listener) selection(ctx context.Context, msg message.Replay, s replay.Select) ([]string, string, error) {
	if s.OwnerID == "" {
		from := min(msg.Page*ledger.MaxPageItems, len(s.ResourceIDs))
		to := min(from+ledger.MaxPageItems, len(s.ResourceIDs))
		next := ""
		if to < len(s.ResourceIDs) {
			next = fmt.Sprint(to)
		}
		return s.ResourceIDs[from:to], next, nil
	}
	cursor := ""
	if msg.Page > 0 {
		before, err := l.Book.Page(ctx, msg.ReplayID, msg.Page-1)
		if err != nil {
			return nil, "", err
		}
		cursor = before.Next
	}
	return l.Book.Owned(ctx, s.OwnerID, cursor, ledger.MaxPageItems)
}
