package ctl

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go/middleware"

	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/internal/manifest"
	"github.com/ce873799/replayable-ingestion/internal/sdk"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// find finds the ingestion that is meant, once.
func (a *app) find(ctx context.Context) (*stack.Target, error) {
	if a.target != nil {
		return a.target, nil
	}
	t, err := a.locate(ctx)
	if err != nil {
		return nil, err
	}
	a.target, a.apiURL = &t, t.APIURL
	return a.target, nil
}

func (a *app) locate(ctx context.Context) (t stack.Target, err error) {
	if a.flags.apiURL != "" {
		if u, err := url.Parse(a.flags.apiURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return t, usage("--api-url must be the URL of the API with its stage, such as "+
				"https://abc123.execute-api.eu-west-1.amazonaws.com/v1, got %q", replay.Shorten(a.flags.apiURL))
		}
		if region := regionOf(a.flags.apiURL); region != "" && a.flags.region == "" {
			a.flags.region = region // a signature for another one would be refused
		}
		t.AWS, err = a.loadAWS(ctx)
		t.Ingestion = manifest.Ingestion{APIURL: a.flags.apiURL, Region: t.AWS.Region}
		return t, err
	}
	all, cfg, err := a.every(ctx)
	if err != nil {
		return t, err
	}
	t.AWS = cfg
	t.Ingestion, err = stack.Choose(all, a.flags.ingestion)
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
func (a *app) every(ctx context.Context) (all []manifest.Ingestion, cfg aws.Config, err error) {
	if a.flags.local == "" {
		if cfg, err = a.loadAWS(ctx); err != nil {
			return nil, cfg, err
		}
		all, err = a.ingestions(ctx, cfg, a.flags.stack)
		return all, cfg, err
	}
	l, err := stack.ReadLocal(a.flags.local)
	if err != nil {
		return nil, cfg, err
	}
	for _, i := range l.Ingestions {
		if a.flags.stack == "" || a.flags.stack == i.Stack {
			all = append(all, i)
		}
	}
	a.awsRegion = l.Region
	return all, aws.Config{
		Region: l.Region, BaseEndpoint: &l.EndpointURL,
		// They mean nothing: the user's own do not leave for a server on this machine.
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, nil
}

func (a *app) loadAWS(ctx context.Context) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithAPIOptions([]func(*middleware.Stack) error{sdk.PlainBodies})}
	if a.flags.profile != "" {
		options = append(options, config.WithSharedConfigProfile(a.flags.profile))
	}
	if a.flags.region != "" {
		options = append(options, config.WithRegion(a.flags.region))
	}
	if a.flags.endpointURL != "" {
		options = append(options, config.WithBaseEndpoint(a.flags.endpointURL))
	}
	cfg, err := a.p.LoadAWS(ctx, options...)
	if err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, &aws.MissingRegionError{}
	}
	a.awsRegion = cfg.Region
	return cfg, nil
}

// ingestions looks for ingestions, of one stack or of all.
func (a *app) ingestions(ctx context.Context, cfg aws.Config, name string) ([]manifest.Ingestion, error) {
	cache, err := a.cache(ctx, cfg)
	if err != nil {
		return nil, err
	}
	f := stack.Finder{Stacks: cloudformation.NewFromConfig(cfg), Cache: cache}
	return f.All(ctx, name)
}

// cache also makes sure that there are credentials at all: without, each call of AWS says so in its own way.
//
// It keeps what is found apart by account, Region and endpoint. Where the account is not known, by what stands for it.
func (a *app) cache(ctx context.Context, cfg aws.Config) (*stack.Cache, error) {
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, &client.CredentialsError{Err: err}
	}
	if a.p.CacheDir == "" {
		return nil, nil
	}
	who := creds.AccountID
	if who == "" && !creds.CanExpire {
		who = creds.AccessKeyID
	}
	if who == "" {
		who = strings.Join([]string{"profile", a.flags.profile, a.p.Env("AWS_PROFILE"), a.p.Env("AWS_ROLE_ARN")}, "|")
	}
	return &stack.Cache{
		Dir: filepath.Join(a.p.CacheDir, "replayctl"), Key: strings.Join([]string{who, cfg.Region, aws.ToString(cfg.BaseEndpoint)}, "|"),
		TTL: stack.DefaultTTL, Now: a.p.Now, Refresh: a.flags.refresh,
	}, nil
}

// where says where ingestions were looked for.
func (a *app) where() string {
	if a.flags.local != "" {
		return a.flags.local
	}
	place := "Region " + a.awsRegion
	if a.flags.profile != "" {
		place += " with profile " + a.flags.profile
	}
	if a.flags.stack != "" {
		place = "stack " + a.flags.stack + ", " + place
	}
	return place
}
