package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"github.com/ce873799/replayable-ingestion/internal/aws/sdk"
)

// The SDK's own package config knows every source of credentials: profiles, single sign-on, containers, instances. A
// function has its credentials in its environment, and pays for the clients of all the others at each cold start: a
// sixth of its size, and part of its start. So its settings are read here. What is read are the variables that the SDK
// documents, with their meaning.

// errSettings means that the environment has no AWS settings.
var errSettings = errors.New("AWS settings")

// settings reads what the environment of a function says about AWS. The error names every fault.
func settings(getenv func(string) string) (aws.Config, error) {
	var errs []error
	cfg := aws.Config{
		Region:        getenv("AWS_REGION"),
		HTTPClient:    awshttp.NewBuildableClient(),
		APIOptions:    []func(*middleware.Stack) error{sdk.PlainBodies},
		Logger:        logging.NewStandardLogger(os.Stderr),
		ConfigSources: []any{environment{getenv}},
	}
	if cfg.Region == "" {
		errs = append(errs, fmt.Errorf("%w: AWS_REGION must be set", errSettings))
	}
	id, secret := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
	if id == "" || secret == "" {
		errs = append(errs, fmt.Errorf("%w: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set", errSettings))
	}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(id, secret, getenv("AWS_SESSION_TOKEN"))
	if url := getenv("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint = &url
	}
	if mode := getenv("AWS_RETRY_MODE"); mode != "" {
		var err error
		if cfg.RetryMode, err = aws.ParseRetryMode(mode); err != nil {
			errs = append(errs, fmt.Errorf("%w: AWS_RETRY_MODE: %w", errSettings, err))
		}
	}
	if tries := getenv("AWS_MAX_ATTEMPTS"); tries != "" {
		var err error
		if cfg.RetryMaxAttempts, err = strconv.Atoi(tries); err != nil {
			errs = append(errs, fmt.Errorf("%w: AWS_MAX_ATTEMPTS must be a whole number, got %q", errSettings, tries))
		}
	}
	return cfg, errors.Join(errs...)
}

// environment answers what the clients ask a source of settings for.
type environment struct {
	getenv func(string) string
}

// GetServiceBaseEndpoint returns the endpoint of one service, such as AWS_ENDPOINT_URL_DYNAMODB.
func (e environment) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	url := e.getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(sdkID, " ", "_")))
	return url, url != "", nil
}

// GetUseFIPSEndpoint tells whether to call endpoints with cryptography that is validated.
func (e environment) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	switch strings.ToLower(e.getenv("AWS_USE_FIPS_ENDPOINT")) {
	case "true":
		return aws.FIPSEndpointStateEnabled, true, nil
	case "false":
		return aws.FIPSEndpointStateDisabled, true, nil
	}
	return aws.FIPSEndpointStateUnset, false, nil
}

// GetUseDualStackEndpoint tells whether to call endpoints over IPv6 too.
func (e environment) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	switch strings.ToLower(e.getenv("AWS_USE_DUALSTACK_ENDPOINT")) {
	case "true":
		return aws.DualStackEndpointStateEnabled, true, nil
	case "false":
		return aws.DualStackEndpointStateDisabled, true, nil
	}
	return aws.DualStackEndpointStateUnset, false, nil
}
