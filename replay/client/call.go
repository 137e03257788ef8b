package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/ce873799/replayable-ingestion/replay"
)

const (
	firstWait = 200 * time.Millisecond
	maxWait   = 5 * time.Second
)

// Request is any request of the API.
type Request struct {
	Method string
	Path   string // behind the stage, such as /replays
	Query  url.Values
	Header http.Header // such as Idempotency-Key; those of the signature and of the content are added
	Body   []byte
}

func (r Request) String() string { return r.Method + " " + r.Path }

// Response is what the API answered.
type Response struct {
	Status int // of HTTP
	Header http.Header
	Body   []byte
}

// Do signs a request and sends it once. Any status is a response, not an error. Use it for requests that no service has
// a method for. Those methods retry, and decode the response.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	target := c.cfg.BaseURL + r.Path
	if len(r.Query) > 0 {
		// A signature covers %20, not the + that forms use for a space.
		target += "?" + strings.ReplaceAll(r.Query.Encode(), "+", "%20")
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, fmt.Errorf("build request: %w", err)
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("Accept", "application/json")
	if c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := c.sign(ctx, req, r.Body); err != nil {
		return Response{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Response{}, &UnreachableError{Call: r.String(), URL: c.cfg.BaseURL, Err: err}
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Response{}, &UnreachableError{Call: r.String(), URL: c.cfg.BaseURL, Err: err}
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// sign is called at each attempt: AWS accepts a signature for 5 minutes.
func (c *Client) sign(ctx context.Context, req *http.Request, body []byte) error {
	creds, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return &CredentialsError{Err: err}
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "execute-api", c.cfg.Region, c.cfg.Now())
	if err != nil {
		return &CredentialsError{Err: err}
	}
	return nil
}

// again makes attempts until one succeeds, the error is not temporary, or none is left. Each request may be sent again:
// those that start something have a key, and the others change nothing when they are repeated.
func (c *Client) again(ctx context.Context, r Request) (Response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := c.Do(ctx, r)
		if err == nil && resp.Status >= http.StatusBadRequest {
			err = c.refusal(r, resp)
		}
		if err == nil || attempt >= c.cfg.Attempts || ctx.Err() != nil || !Temporary(err) {
			return resp, err
		}
		wait := backoff(attempt)
		c.cfg.Retrying(err, attempt, wait)
		if c.cfg.Sleep(ctx, wait) != nil {
			return resp, err
		}
	}
}

// backoff waits between half and all of a time that doubles: callers that fail together come back apart.
func backoff(attempt int) time.Duration {
	most := min(firstWait<<(attempt-1), maxWait)
	return most/2 + rand.N(most/2) //nolint:gosec // spreads load, hides nothing
}

// do makes a call and decodes what it returns.
func (c *Client) do(ctx context.Context, r Request, into any) error {
	resp, err := c.again(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return &UnreachableError{Call: r.String(), URL: c.cfg.BaseURL, Err: fmt.Errorf("the response is not a replay API's JSON: %w: %s",
			err, replay.Shorten(string(resp.Body)))}
	}
	return nil
}

// get reads what a path has.
func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, Request{Method: http.MethodGet, Path: path}, into)
}

// send makes a call with a body.
func (c *Client) send(ctx context.Context, method, path string, header http.Header, body, into any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.do(ctx, Request{Method: method, Path: path, Header: header, Body: encoded}, into)
}

// pageOf reads one page of a list: the first one if cursor is empty.
func pageOf[Page any](ctx context.Context, c *Client, path string, query url.Values, cursor string) (page Page, err error) {
	query = maps.Clone(query) // a sequence may be gone through again
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", strconv.Itoa(c.page))
	set(query, "cursor", cursor)
	err = c.do(ctx, Request{Method: http.MethodGet, Path: path, Query: query}, &page)
	return page, err
}

// list reads the next page only when its entries are needed. It yields an error at most once, at its end. A page may be
// empty although others follow.
func list[Page, Entry any](
	ctx context.Context, c *Client, path string, query url.Values, read func(Page) ([]Entry, string),
) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for cursor := ""; ; {
			page, err := pageOf[Page](ctx, c, path, query, cursor)
			if err != nil {
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
			if cursor = next; cursor == "" {
				return
			}
		}
	}
}

// values are the parameters of a query that are given, as pairs of name and value.
func values(pairs ...string) url.Values {
	query := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		set(query, pair[0], pair[1])
	}
	return query
}

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// timeOf is a time as a parameter; empty for none.
func timeOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
