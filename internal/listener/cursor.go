package listener

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// readOn yields items of a replay in order, with at most the given number of reads. A read has items of one page,
// perhaps none. After each read, the cursor is behind it. An empty cursor is the beginning before the first read, and
// the end after a read.
func (l *Listener) readOn(ctx context.Context, r domain.Replay, cursor *string, reads int) iter.Seq2[[]domain.Item, error] {
	return func(yield func([]domain.Item, error) bool) {
		page, inPage, err := parseItemsCursor(*cursor)
		for ; err == nil && reads > 0 && page < r.Pages; reads-- {
			var items []domain.Item
			if items, inPage, err = l.Book.Items.OfPage(ctx, r.ID, page, inPage, ledger.MaxItemChanges); err != nil {
				break
			}
			if inPage == "" {
				page++
			}
			*cursor = ""
			if page < r.Pages {
				*cursor = strconv.Itoa(page) + "#" + inPage
			}
			if !yield(items, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// parseItemsCursor returns the page that a cursor of readOn is in, and the cursor of ledger.Items.OfPage there.
func parseItemsCursor(cursor string) (page int, inPage string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	number, inPage, _ := strings.Cut(cursor, "#")
	if page, err = strconv.Atoi(number); err != nil {
		err = fmt.Errorf("cursor %q of a replay's items: %w", cursor, ledger.ErrCursor)
	}
	return page, inPage, err
}
