package boot

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// sent is what a client would have sent, and with how many tries.
type sent struct {
	host, credential, token string
	tries                   int
	mode                    aws.RetryMode
}

// send returns where a client with these settings calls the services, and as whom.
func send(t *testing.T, cfg aws.Config) map[string]sent {
	t.Helper()
	got := map[string]sent{}
	catch := func(name string) func(*middleware.Stack) error {
		return func(stack *middleware.Stack) error {
			return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("catch", func(_ context.Context, in middleware.FinalizeInput, _ middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				req := in.Request.(*smithyhttp.Request)
				_, credential, _ := strings.Cut(req.Header.Get("Authorization"), "Credential=")
				id, _, _ := strings.Cut(credential, "/")
				got[name] = sent{host: req.URL.String(), credential: id, token: req.Header.Get("X-Amz-Security-Token")}
				return middleware.FinalizeOutput{}, middleware.Metadata{}, http.ErrAbortHandler
			}), middleware.After)
		}
	}
	ctx := t.Context()
	tries := map[string]aws.Retryer{}
	modes := map[string]aws.RetryMode{}
	with := func(name string) aws.Config {
		c := cfg.Copy()
		c.APIOptions = append(c.APIOptions, catch(name))
		return c
	}
	objects := s3.NewFromConfig(with("s3"))
	_, _ = objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	tries["s3"], modes["s3"] = objects.Options().Retryer, objects.Options().RetryMode
	tables := dynamodb.NewFromConfig(with("dynamodb"))
	_, _ = tables.ListTables(ctx, &dynamodb.ListTablesInput{})
	tries["dynamodb"], modes["dynamodb"] = tables.Options().Retryer, tables.Options().RetryMode
	machines := sfn.NewFromConfig(with("sfn"))
	_, _ = machines.ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	tries["sfn"], modes["sfn"] = machines.Options().Retryer, machines.Options().RetryMode
	queues := sqs.NewFromConfig(with("sqs"))
	_, _ = queues.ListQueues(ctx, &sqs.ListQueuesInput{})
	tries["sqs"], modes["sqs"] = queues.Options().Retryer, queues.Options().RetryMode
	topics := sns.NewFromConfig(with("sns"))
	_, _ = topics.ListTopics(ctx, &sns.ListTopicsInput{})
	tries["sns"], modes["sns"] = topics.Options().Retryer, topics.Options().RetryMode
	for name, s := range got {
		s.tries, s.mode = tries[name].MaxAttempts(), modes[name]
		got[name] = s
	}
	return got
}

func TestSettingsAreThoseOfTheSDK(t *testing.T) {
	base := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "TOKEN"}
	for name, more := range map[string]map[string]string{
		"as Lambda sets it":             nil,
		"without a session":             {"AWS_SESSION_TOKEN": ""},
		"with an endpoint":              {"AWS_ENDPOINT_URL": "http://emulator.test:4566"},
		"with an endpoint of a service": {"AWS_ENDPOINT_URL_DYNAMODB": "http://tables.test"},
		"with both":                     {"AWS_ENDPOINT_URL": "http://emulator.test:4566", "AWS_ENDPOINT_URL_S3": "http://objects.test"},
		"in GovCloud":                   {"AWS_REGION": "us-gov-west-1"},
		"in China":                      {"AWS_REGION": "cn-north-1"},
		"with FIPS":                     {"AWS_REGION": "us-east-1", "AWS_USE_FIPS_ENDPOINT": "true"},
		"without FIPS":                  {"AWS_USE_FIPS_ENDPOINT": "false"},
		"over IPv6":                     {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"with more tries":               {"AWS_MAX_ATTEMPTS": "7"},
		"adaptive":                      {"AWS_RETRY_MODE": "adaptive"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range os.Environ() { // the developer's own
				if key, _, _ := strings.Cut(pair, "="); strings.HasPrefix(key, "AWS_") {
					t.Setenv(key, "")
				}
			}
			t.Setenv("AWS_CONFIG_FILE", "/nowhere")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
			for _, vars := range []map[string]string{base, more} {
				for k, v := range vars {
					t.Setenv(k, v)
				}
			}
			ours, err := settings(os.Getenv)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, want := send(t, ours), send(t, theirs)
			if len(want) != 5 {
				t.Fatalf("the SDK called %v", want)
			}
			for service := range want {
				if got[service] != want[service] {
					t.Errorf("%s: got %+v, the SDK does %+v", service, got[service], want[service])
				}
			}
		})
	}
}

// closes closes the body of a request, as the SDK does with an answer, and keeps it.
type closes struct{ body io.Reader }

func (c *closes) Do(req *http.Request) (*http.Response, error) {
	c.body = req.Body
	return nil, errors.Join(http.ErrAbortHandler, req.Body.Close())
}

func TestBodiesAreOnlyRead(t *testing.T) {
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_MAX_ATTEMPTS": "1"}
	cfg, err := settings(func(key string) string { return env[key] })
	if err != nil {
		t.Fatal(err)
	}
	var sent closes
	cfg.HTTPClient = &sent
	if _, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{}); !errors.Is(err, http.ErrAbortHandler) {
		t.Fatalf("got %v, want the request refused", err)
	}
	if _, err := io.Copy(io.Discard, sent.body); err != nil {
		t.Errorf("a closed body answers %v: settings lack sdk.PlainBodies", err)
	}
}

func TestSettingsNameEveryFault(t *testing.T) {
	env := map[string]string{"AWS_RETRY_MODE": "often", "AWS_MAX_ATTEMPTS": "many"}
	_, err := settings(func(key string) string { return env[key] })
	if err == nil {
		t.Fatal("settings of an empty environment were taken")
	}
	for _, want := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_RETRY_MODE", `AWS_MAX_ATTEMPTS must be a whole number, got "many"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %s", err, want)
		}
	}
}
