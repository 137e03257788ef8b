package factory

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go/middleware"

	"github.com/ce873799/replayable-ingestion/internal/aws/sdk"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Find finds the ingestion that is meant, once.
func (f *Factory) Find(ctx context.Context) (*stack.Target, error) {
	if f.target != nil {
		return f.target, nil
	}
	t, err := f.locate(ctx)
	if err != nil {
		return nil, err
	}
	t.Lacks = f.lacks
	f.target, f.apiURL = &t, t.APIURL
	return f.target, nil
}

func (f *Factory) locate(ctx context.Context) (t stack.Target, err error) {
	if f.flags.apiURL != "" {
		if u, err := url.Parse(f.flags.apiURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return t, exit.Usagef("--api-url must be the URL of the API with its stage, such as "+
				"https://abc123.execute-api.eu-west-1.amazonaws.com/v1, got %q", replay.Shorten(f.flags.apiURL))
		}
		if region := regionOf(f.flags.apiURL); region != "" && f.flags.region == "" {
			f.flags.region = region // a signature for another one would be refused
		}
		t.AWS, err = f.loadAWS(ctx)
		t.Manifest = config.Manifest{APIURL: f.flags.apiURL, Region: t.AWS.Region}
		return t, err
	}
	all, cfg, err := f.every(ctx)
	if err != nil {
		return t, err
	}
	t.AWS = cfg
	t.Manifest, err = stack.Choose(all, f.flags.ingestion)
	return t, err
}

// hostOfAPI is the host of an API that has no domain of its own.
var hostOfAPI = regexp.MustCompile(`\.execute-api\.([a-z0-9-]+)\.amazonaws\.com`)

// regionOf is the Region that an API's URL names, if it does.
func regionOf(apiURL string) string {
	if m := hostOfAPI.FindStringSubmatch(apiURL); m != nil {
		return m[1]
	}
	return ""
}

// every finds the ingestions that may be meant: of the stack that was named, or of all.
func (f *Factory) every(ctx context.Context) (all []config.Manifest, cfg aws.Config, err error) {
	if f.flags.local == "" {
		if cfg, err = f.loadAWS(ctx); err != nil {
			return nil, cfg, err
		}
		all, err = f.ingestions(ctx, cfg, f.flags.stack)
		return all, cfg, err
	}
	l, err := stack.ReadLocal(f.localFile())
	if err != nil {
		return nil, cfg, err
	}
	for _, i := range l.Ingestions {
		if f.flags.stack == "" || f.flags.stack == i.Stack {
			all = append(all, i)
		}
	}
	f.awsRegion, f.lacks = l.Region, l.Lacks
	return all, aws.Config{
		Region: l.Region, BaseEndpoint: &l.EndpointURL,
		// They mean nothing: the user's own do not leave for a server on this machine.
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:     untilRefused,
	}, nil
}

// untilRefused retries as the SDK does, except when nothing listens: a local stack that has ended does not come back.
func untilRefused() aws.Retryer {
	refused := retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return aws.FalseTernary
		}
		return aws.UnknownTernary
	})
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Retryables = append([]retry.IsErrorRetryable{refused}, o.Retryables...)
	})
}

func (f *Factory) loadAWS(ctx context.Context) (aws.Config, error) {
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithAPIOptions([]func(*middleware.Stack) error{sdk.PlainBodies})}
	if f.flags.profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(f.flags.profile))
	}
	if f.flags.region != "" {
		options = append(options, awsconfig.WithRegion(f.flags.region))
	}
	if f.flags.endpointURL != "" {
		options = append(options, awsconfig.WithBaseEndpoint(f.flags.endpointURL))
	}
	cfg, err := f.Process.LoadAWS(ctx, options...)
	if err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, &aws.MissingRegionError{}
	}
	f.awsRegion = cfg.Region
	return cfg, nil
}

// ingestions looks for ingestions, of one stack or of all.
func (f *Factory) ingestions(ctx context.Context, cfg aws.Config, name string) ([]config.Manifest, error) {
	cache, err := f.cache(ctx, cfg)
	if err != nil {
		return nil, err
	}
	finder := stack.Finder{Stacks: cloudformation.NewFromConfig(cfg), Cache: cache}
	return finder.All(ctx, name)
}

// cache also makes sure that there are credentials at all: without, each call of AWS says so in its own way.
//
// It keeps what is found apart by account, Region and endpoint. Where the account is not known, by what stands for it.
func (f *Factory) cache(ctx context.Context, cfg aws.Config) (*stack.Cache, error) {
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, &client.CredentialsError{Err: err}
	}
	if f.Process.CacheDir == "" {
		return nil, nil
	}
	who := creds.AccountID
	if who == "" && !creds.CanExpire {
		who = creds.AccessKeyID
	}
	if who == "" {
		who = strings.Join([]string{"profile", f.flags.profile, f.Process.Env("AWS_PROFILE"), f.Process.Env("AWS_ROLE_ARN")}, "|")
	}
	return &stack.Cache{
		Dir: filepath.Join(f.Process.CacheDir, "replayctl"), Key: strings.Join([]string{who, cfg.Region, aws.ToString(cfg.BaseEndpoint)}, "|"),
		TTL: stack.DefaultTTL, Now: f.Process.Now, Refresh: f.flags.refresh,
	}, nil
}

// localFile is the file of --local. Without a value, that is the file of what runs for this directory.
func (f *Factory) localFile() string {
	if dir, err := os.Getwd(); err == nil && f.flags.local == stack.LocalFile {
		return stack.LocalOf(f.Process.CacheDir, dir)
	}
	return f.flags.local
}

// where says where ingestions were looked for.
func (f *Factory) where() string {
	if f.flags.local != "" {
		return f.localFile()
	}
	place := "Region " + f.awsRegion
	if f.flags.profile != "" {
		place += " with profile " + f.flags.profile
	}
	if f.flags.stack != "" {
		place = "stack " + f.flags.stack + ", " + place
	}
	return place
}
