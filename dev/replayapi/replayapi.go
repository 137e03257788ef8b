// Package replayapi calls a deployed replay API with signed requests, for the demo and the tests.
package replayapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Client calls one API.
type Client struct {
	base string
	cfg  aws.Config
	http *http.Client
}

// New returns a client of the API at a URL, stage included, signing with the credentials of cfg.
func New(baseURL string, cfg aws.Config) *Client {
	return &Client{base: strings.TrimSuffix(baseURL, "/"), cfg: cfg, http: &http.Client{Timeout: 30 * time.Second}}
}

// Through sends the client's requests through what wrap makes of its transport.
func (c *Client) Through(wrap func(http.RoundTripper) http.RoundTripper) {
	c.http.Transport = wrap(http.DefaultTransport)
}

// Answer is what the API said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request. The path begins after the stage, such as /replays. Any status is an answer, not an error.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, body []byte) (Answer, error) {
	return c.DoWith(ctx, method, path, query, nil, body)
}

// DoWith sends a request with headers.
func (c *Client) DoWith(ctx context.Context, method, path string, query url.Values, header http.Header, body []byte) (Answer, error) {
	target := c.base + path
	if len(query) > 0 {
		// A signature covers %20, not the + that forms use for a space.
		target += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("build request: %w", err)
	}
	maps.Copy(req.Header, header)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	creds, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("find credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	signer := v4.NewSigner()
	if err := signer.SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "execute-api", c.cfg.Region, time.Now()); err != nil {
		return Answer{}, fmt.Errorf("sign request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: got}, nil
}

// Get reads a resource into an answer type of package replay.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, http.MethodGet, path, query, nil, http.StatusOK, into)
}

// Replay asks for a replay.
func (c *Client) Replay(ctx context.Context, request any) (replay.Accepted, error) {
	var accepted replay.Accepted
	body, err := json.Marshal(request)
	if err != nil {
		return accepted, fmt.Errorf("encode request: %w", err)
	}
	err = c.call(ctx, http.MethodPost, "/replays", nil, body, http.StatusAccepted, &accepted)
	return accepted, err
}

// Cancel stops what has not started of a replay.
func (c *Client) Cancel(ctx context.Context, replayID string) (replay.Summary, error) {
	var s replay.Summary
	err := c.call(ctx, http.MethodPost, "/replays/"+replayID+"/cancel", nil, nil, http.StatusOK, &s)
	return s, err
}

func (c *Client) call(ctx context.Context, method, path string, query url.Values, body []byte, want int, into any) error {
	ans, err := c.Do(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	if ans.Status != want {
		return fmt.Errorf("%s %s: got status %d, want %d: %s", method, path, ans.Status, want, ans.Body)
	}
	if err := json.Unmarshal(ans.Body, into); err != nil {
		return fmt.Errorf("%s %s: decode answer: %w", method, path, err)
	}
	return nil
}

// Wait asks for a replay until it has ended or the context does.
func (c *Client) Wait(ctx context.Context, replayID string) (replay.Replay, error) {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		var r replay.Replay
		if err := c.Get(ctx, "/replays/"+replayID, nil, &r); err != nil {
			return r, err
		}
		if r.Status.Final() {
			return r, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return r, fmt.Errorf("replay %s is %s with %+v: %w", replayID, r.Status, r.Counts, ctx.Err())
		}
	}
}
