package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// CreateReplay asks for a replay, with a replay.Request or its JSON. The same key with the same request gets the same
// replay, however often it is sent.
func (c *Client) CreateReplay(ctx context.Context, key string, request any) (replay.Accepted, error) {
	var accepted replay.Accepted
	body, err := json.Marshal(request)
	if err != nil {
		return accepted, fmt.Errorf("encode request: %w", err)
	}
	err = c.do(ctx, call{method: http.MethodPost, path: "/replays", body: body, key: key}, &accepted)
	return accepted, err
}

// Replay reads one replay.
func (c *Client) Replay(ctx context.Context, id string) (r replay.Replay, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/replays/" + url.PathEscape(id)}, &r)
	return r, err
}

// CancelReplay stops what has not started of a replay.
func (c *Client) CancelReplay(ctx context.Context, id string) (s replay.Summary, err error) {
	err = c.do(ctx, call{method: http.MethodPost, path: "/replays/" + url.PathEscape(id) + "/cancel"}, &s)
	return s, err
}

// Replays lists replays, newest first; with a status, only those.
func (c *Client) Replays(ctx context.Context, status replay.Status) iter.Seq2[replay.Summary, error] {
	return list(ctx, c, "/replays", only("status", string(status)), func(p replay.Replays) ([]replay.Summary, string) {
		return p.Replays, p.NextCursor
	})
}

// Items lists the items of a replay; with an outcome, only those.
func (c *Client) Items(ctx context.Context, id string, outcome replay.Outcome) iter.Seq2[replay.Item, error] {
	path := "/replays/" + url.PathEscape(id) + "/items"
	return list(ctx, c, path, only("outcome", string(outcome)), func(p replay.Items) ([]replay.Item, string) {
		return p.Items, p.NextCursor
	})
}

// Versions lists the history of a resource, newest first.
func (c *Client) Versions(ctx context.Context, resourceID string) iter.Seq2[replay.Version, error] {
	return list(ctx, c, "/versions", url.Values{"resourceId": {resourceID}}, func(p replay.History) ([]replay.Version, string) {
		return p.Versions, p.NextCursor
	})
}

// Event reads one event of a resource, byte for byte.
func (c *Client) Event(ctx context.Context, resourceID, versionID string) ([]byte, error) {
	ans, err := c.again(ctx, call{
		method: http.MethodGet, path: "/versions/" + url.PathEscape(versionID), query: url.Values{"resourceId": {resourceID}},
	})
	return ans.body, err
}

// Failures lists the quarantine, newest first.
func (c *Client) Failures(ctx context.Context, filter replay.FailureFilter) iter.Seq2[replay.Failure, error] {
	query := only("error", filter.Error)
	for name, t := range map[string]*time.Time{"since": filter.Since, "until": filter.Until} {
		if t != nil {
			query.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return list(ctx, c, "/failures", query, func(p replay.Failures) ([]replay.Failure, string) {
		return p.Failures, p.NextCursor
	})
}

func only(name, value string) url.Values {
	v := url.Values{}
	if value != "" {
		v.Set(name, value)
	}
	return v
}

// list reads a list page by page, as its entries are asked for. An error is the last thing that it yields. A page may be
// empty although others follow.
func list[Page, Entry any](ctx context.Context, c *Client, path string, query url.Values, read func(Page) ([]Entry, string)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		query := maps.Clone(query) // a sequence may be gone through again
		query.Set("limit", strconv.Itoa(c.page))
		for {
			var page Page
			if err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, &page); err != nil {
				var none Entry
				yield(none, err)
				return
			}
			entries, next := read(page)
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("cursor", next)
		}
	}
}
