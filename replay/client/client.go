package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// Client calls one API. Its services have a method for each call. It is safe for concurrent use.
type Client struct {
	Replays    *ReplaysService
	Versions   *VersionsService
	Resources  *ResourcesService
	Executions *ExecutionsService
	Failures   *FailuresService
	Controls   *ControlsService

	cfg  Config
	http *http.Client
	page int // entries of a page
}

// service is what each service is: calls of a client.
type service struct{ client *Client }

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
	c := Client{cfg: cfg, http: &http.Client{Transport: cfg.Transport, Timeout: callTimeout}, page: replay.MaxPageSize}
	return c.withServices(), nil
}

// withServices returns the client with services that use it.
func (c Client) withServices() *Client {
	s := &service{client: &c}
	c.Replays, c.Versions, c.Resources = (*ReplaysService)(s), (*VersionsService)(s), (*ResourcesService)(s)
	c.Executions, c.Failures, c.Controls = (*ExecutionsService)(s), (*FailuresService)(s), (*ControlsService)(s)
	return &c
}

// WithPageSize returns a client whose lists ask for size entries at a time: 1 to replay.MaxPageSize, which is the
// default.
func (c *Client) WithPageSize(size int) *Client {
	paged := *c
	paged.page = min(max(size, 1), replay.MaxPageSize)
	return paged.withServices()
}

// BaseURL is the URL of the API, without a slash at its end.
func (c *Client) BaseURL() string { return c.cfg.BaseURL }
