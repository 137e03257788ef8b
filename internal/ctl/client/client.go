// Package client calls a replay API: typed, signed, page by page, and again where that may help.
package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Config is what a client needs. BaseURL, Region and Credentials are required.
type Config struct {
	BaseURL     string // of the API, stage included
	Region      string // to sign for
	Credentials aws.CredentialsProvider
	UserAgent   string

	Transport http.RoundTripper                                // default: http.DefaultTransport
	Attempts  int                                              // of a request, the first one included; default: 5
	Now       func() time.Time                                 // default: time.Now
	Sleep     func(ctx context.Context, d time.Duration) error // default: waits, or until ctx ends
	Retrying  func(err error, attempt int, wait time.Duration) // is told before each wait; may be nil
}

// Client calls one API.
type Client struct {
	cfg  Config
	http *http.Client
	page int // entries of a page
}

// callTimeout is for one attempt. API Gateway answers within 29 seconds.
const callTimeout = 35 * time.Second

// New returns a client.
func New(cfg Config) *Client {
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	if cfg.Attempts == 0 {
		cfg.Attempts = 5
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = smithytime.SleepWithContext
	}
	if cfg.Retrying == nil {
		cfg.Retrying = func(error, int, time.Duration) {}
	}
	return &Client{cfg: cfg, http: &http.Client{Transport: cfg.Transport, Timeout: callTimeout}, page: replay.MaxPageSize}
}

// Pages returns a client whose lists ask for so many entries at a time, as far as the API gives as many.
func (c *Client) Pages(size int) *Client {
	paged := *c
	paged.page = min(max(size, 1), replay.MaxPageSize)
	return &paged
}

// URL is where the API is.
func (c *Client) URL() string { return c.cfg.BaseURL }

// call is a request. Every call of the API may be sent again: POST /replays has a key, and cancelling twice is once.
type call struct {
	method, path string
	query        url.Values
	body         []byte
	key          string // Idempotency-Key
}

func (c call) String() string { return c.method + " " + c.path }

// answer is what came back, with a status below 400.
type answer struct {
	header http.Header
	body   []byte
}

// once sends a request, whatever comes of it. The error is one of those of this package.
func (c *Client) once(ctx context.Context, r call) (answer, error) {
	target := c.cfg.BaseURL + r.path
	if len(r.query) > 0 {
		// A signature covers %20, not the + that forms use for a space.
		target += "?" + strings.ReplaceAll(r.query.Encode(), "+", "%20")
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if err := c.sign(ctx, req, r.body); err != nil {
		return answer{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, &UnreachableError{Call: r.String(), URL: c.cfg.BaseURL, Err: err}
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, &UnreachableError{Call: r.String(), URL: c.cfg.BaseURL, Err: err}
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return answer{}, c.refusal(r, resp, got)
	}
	return answer{header: resp.Header, body: got}, nil
}

// sign signs anew at each attempt: a signature holds for 5 minutes.
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

func (c *Client) do(ctx context.Context, r call, into any) error {
	ans, err := c.again(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(ans.body, into); err != nil {
		return &UnreachableError{Call: r.String(), URL: c.cfg.BaseURL, Err: fmt.Errorf("the answer is no JSON of a replay API: %w: %s",
			err, replay.Shorten(string(ans.body)))}
	}
	return nil
}
