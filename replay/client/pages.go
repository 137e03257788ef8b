package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ce873799/replayable-ingestion/replay"
)

// The methods of this file read one page of a list: its first one if cursor is empty, else the one that the NextCursor of
// another page leads to. They are for programs that show a list page by page; the others go through a list.

// ReplaysPage reads a page of what Replays lists.
func (c *Client) ReplaysPage(ctx context.Context, status replay.Status, cursor string) (p replay.Replays, err error) {
	err = c.readPage(ctx, "/replays", only("status", string(status)), cursor, &p)
	return p, err
}

// ItemsPage reads a page of what Items lists.
func (c *Client) ItemsPage(ctx context.Context, id string, outcome replay.Outcome, cursor string) (p replay.Items, err error) {
	err = c.readPage(ctx, "/replays/"+url.PathEscape(id)+"/items", only("outcome", string(outcome)), cursor, &p)
	return p, err
}

// VersionsPage reads a page of what Versions lists.
func (c *Client) VersionsPage(ctx context.Context, resourceID, cursor string) (p replay.History, err error) {
	err = c.readPage(ctx, "/versions", url.Values{"resourceId": {resourceID}}, cursor, &p)
	return p, err
}

// FailuresPage reads a page of what Failures lists.
func (c *Client) FailuresPage(ctx context.Context, query replay.FailureQuery, cursor string) (p replay.Failures, err error) {
	err = c.readPage(ctx, "/failures", valuesOf(query), cursor, &p)
	return p, err
}

// FailureJobsPage reads a page of what FailureJobs lists.
func (c *Client) FailureJobsPage(ctx context.Context, cursor string) (p replay.FailureJobs, err error) {
	err = c.readPage(ctx, "/failures/jobs", url.Values{}, cursor, &p)
	return p, err
}

// ResourcesPage reads a page of what Resources lists.
func (c *Client) ResourcesPage(ctx context.Context, ownerID, cursor string) (p replay.Resources, err error) {
	err = c.readPage(ctx, "/resources", url.Values{"ownerId": {ownerID}}, cursor, &p)
	return p, err
}

// ExecutionsPage reads a page of what Executions lists.
func (c *Client) ExecutionsPage(ctx context.Context, query replay.ExecutionQuery, cursor string) (p replay.Executions, err error) {
	err = c.readPage(ctx, "/executions", executionValues(query), cursor, &p)
	return p, err
}

func (c *Client) readPage(ctx context.Context, path string, query url.Values, cursor string, page any) error {
	query.Set("limit", strconv.Itoa(c.page))
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return c.do(ctx, call{method: http.MethodGet, path: path, query: query}, page)
}
