package listener

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

// itemsCursor is where to read on in the items of a replay, in their order. The zero value is the beginning.
type itemsCursor struct {
	page   int
	inPage string // a cursor of ledger.Items.OfPage
}

// parseItemsCursor reads what String makes. An empty text is the beginning.
func parseItemsCursor(text string) (c itemsCursor, err error) {
	if text == "" {
		return c, nil
	}
	page, inPage, _ := strings.Cut(text, "#")
	if c.page, err = strconv.Atoi(page); err != nil {
		return itemsCursor{}, fmt.Errorf("cursor %q of a replay's items: %w", text, ledger.ErrCursor)
	}
	c.inPage = inPage
	return c, nil
}

func (c itemsCursor) String() string { return strconv.Itoa(c.page) + "#" + c.inPage }

// rest is where another message reads on, empty if nothing is left.
func (c itemsCursor) rest(r domain.Replay) string {
	if c.page >= r.Pages {
		return ""
	}
	return c.String()
}

// readOn yields items of a replay, at most so many reads of them, and moves the cursor behind each read.
func (l *Listener) readOn(ctx context.Context, r domain.Replay, c *itemsCursor, reads int) iter.Seq2[[]domain.Item, error] {
	return func(yield func([]domain.Item, error) bool) {
		for n := 0; n < reads && c.page < r.Pages; n++ {
			if items, err := l.readItems(ctx, r.ID, c); !yield(items, err) || err != nil {
				return
			}
		}
	}
}

// readItems reads items of a replay, all of one page, and moves the cursor behind them. A page may have none.
func (l *Listener) readItems(ctx context.Context, replayID string, c *itemsCursor) ([]domain.Item, error) {
	items, next, err := l.Book.Items.OfPage(ctx, replayID, c.page, c.inPage, ledger.MaxItemChanges)
	if err != nil {
		return nil, err
	}
	if c.inPage = next; next == "" {
		c.page++
	}
	return items, nil
}
