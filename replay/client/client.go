package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	BaseURL     string                  // of the API with its stage, such as https://abc123.execute-api.eu-west-1.amazonaws.com/v1
	Region      string                  // that requests are signed for, such as eu-west-1
	Credentials aws.CredentialsProvider // are retrieved at each attempt
	UserAgent   string                  // default: that of net/http

	Transport http.RoundTripper                                // default: http.DefaultTransport
	Attempts  int                                              // per call, 1 or more; default: 5
	Now       func() time.Time                                 // default: time.Now
	Sleep     func(ctx context.Context, d time.Duration) error // returns early when ctx ends; default: a timer
	Retrying  func(err error, attempt int, wait time.Duration) // is called before each wait; default: nothing
}

func (c Config) validate() error {
	var errs []error
	if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		errs = append(errs, fmt.Errorf("the BaseURL must be the URL of the API with its stage, such as "+
			"https://abc123.execute-api.eu-west-1.amazonaws.com/v1, got %q", replay.Shorten(c.BaseURL)))
	}
	if c.Region == "" {
		errs = append(errs, errors.New("the Region must be that of the API, such as eu-west-1, got none"))
	}
	if c.Credentials == nil {
		errs = append(errs, errors.New("the Credentials must be set, such as those of config.LoadDefaultConfig, got none"))
	}
	if c.Attempts < 0 {
		errs = append(errs, fmt.Errorf("the Attempts must be 1 or more, or 0 for the default, got %d", c.Attempts))
	}
	return errors.Join(errs...)
}

// Client calls one API. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
	page int // entries of a page
}

// callTimeout bounds one attempt. API Gateway answers within 29 seconds.
const callTimeout = 35 * time.Second

// New returns a client. Its error names every field of cfg that is wrong.
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure a client of the replay API: %w", err)
	}
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
	return &Client{cfg: cfg, http: &http.Client{Transport: cfg.Transport, Timeout: callTimeout}, page: replay.MaxPageSize}, nil
}

// WithPageSize returns a client whose lists ask for size entries at a time: 1 to replay.MaxPageSize, which is the default.
func (c *Client) WithPageSize(size int) *Client {
	paged := *c
	paged.page = min(max(size, 1), replay.MaxPageSize)
	return &paged
}

// BaseURL is the URL of the API, without a slash at its end.
func (c *Client) BaseURL() string { return c.cfg.BaseURL }

// call is a request. Each may be sent again: POST /replays has a key, and cancelling is idempotent.
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

// once makes one attempt. Its error is one of those of this package.
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

func (c *Client) do(ctx context.Context, r call, into any) error {
	ans, err := c.again(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(ans.body, into); err != nil {
		return &UnreachableError{Call: r.String(), URL: c.cfg.BaseURL, Err: fmt.Errorf("the response is not a replay API's JSON: %w: %s",
			err, replay.Shorten(string(ans.body)))}
	}
	return nil
}
