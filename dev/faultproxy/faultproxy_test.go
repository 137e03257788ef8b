package faultproxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/errs"
)

// backend answers with empty results and counts requests.
type backend struct {
	*httptest.Server
	served atomic.Int32
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.served.Add(1)
		switch {
		case r.Header.Get("X-Amz-Target") != "":
			_, _ = io.WriteString(w, "{}")
		case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
			_, _ = io.WriteString(w, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>")
		default:
			w.Header().Set("x-amz-version-id", "v1")
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func newProxy(t *testing.T, b *backend) *Proxy {
	t.Helper()
	p, err := Start(Options{Backend: b.URL, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// config is for clients that do not retry, so a test sees the result of one request.
func config(p *Proxy) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(p.URL()),
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	}
}

// calls is a request to each service that the functions use.
var calls = []struct {
	operation Operation
	call      func(context.Context, aws.Config) error
	throttle  string
}{
	{Operation{"dynamodb", "GetItem"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := dynamodb.NewFromConfig(cfg).GetItem(ctx, &dynamodb.GetItemInput{
			TableName: aws.String("t"), Key: map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: "k"}},
		})
		return err
	}, "ProvisionedThroughputExceededException"},
	{Operation{"s3", "PutObject"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("b"), Key: aws.String("events/a b"), Body: strings.NewReader("{}"),
		})
		return err
	}, "SlowDown"},
	{Operation{"sns", "Publish"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("arn:aws:sns:us-east-1:0:t"), Message: aws.String("m")})
		return err
	}, "Throttling"},
	{Operation{"sqs", "DeleteMessage"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := sqs.NewFromConfig(cfg).DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String("http://q/0/q"), ReceiptHandle: aws.String("r")})
		return err
	}, "RequestThrottled"},
	{Operation{"states", "StartExecution"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := sfn.NewFromConfig(cfg).StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String("arn:aws:states:us-east-1:0:stateMachine:m")})
		return err
	}, "ThrottlingException"},
	{Operation{"ssm", "GetParameter"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("p")})
		return err
	}, "ThrottlingException"},
}

var retryable = retry.IsErrorRetryables(retry.DefaultRetryables)

func TestErrorsLookToTheSDKAsOnAWS(t *testing.T) {
	for _, c := range calls {
		t.Run(c.operation.String(), func(t *testing.T) {
			b := newBackend(t)
			p := newProxy(t, b)
			p.Set(Faults{Rate: 1, Kinds: []Kind{ServiceError}})
			err := c.call(t.Context(), config(p))
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorMessage() == "" {
				t.Fatalf("got %v, want an error of the service", err)
			}
			var status interface{ HTTPStatusCode() int }
			if !errors.As(err, &status) || status.HTTPStatusCode() < 500 {
				t.Errorf("got %v, want a status over 500", err)
			}
			if !retryable.IsErrorRetryable(err).Bool() || !errs.Transient(err) || errs.Throttled(err) {
				t.Errorf("got %v, want a retriable error other than throttling", err)
			}

			p.Set(Faults{Rate: 1, Kinds: []Kind{Throttle}})
			err = c.call(t.Context(), config(p))
			if !errors.As(err, &api) || api.ErrorCode() != c.throttle {
				t.Errorf("got %v, want %s", err, c.throttle)
			}
			if !errs.Throttled(err) {
				t.Errorf("the SDK does not take %v for a throttle", err)
			}
			if n := b.served.Load(); n != 0 {
				t.Errorf("%d requests had an effect", n)
			}
			got := p.Counts()[c.operation]
			if got[ServiceError] != 1 || got[Throttle] != 1 {
				t.Errorf("got counts %v of %v", got, p.Counts())
			}
		})
	}
}

func TestAHeadThatFailsHasAStatusOnly(t *testing.T) {
	p := newProxy(t, newBackend(t))
	p.Set(Faults{Rate: 1, Kinds: []Kind{Throttle}})
	_, err := s3.NewFromConfig(config(p)).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if !errs.Transient(err) {
		t.Errorf("got %v, want an error to retry", err)
	}
	if p.Counts()[Operation{"s3", "HeadObject"}][Throttle] != 1 {
		t.Errorf("got counts %v", p.Counts())
	}
}

func TestBrokenConnectionsAreRetried(t *testing.T) {
	for _, tt := range []struct {
		kind   Kind
		effect int32 // before any retry
		least  time.Duration
	}{
		{Reset, 0, 0},
		{Timeout, 0, hangLeast},
		{LostAnswer, 1, 0},
		{LateEffect, 0, 0},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			b := newBackend(t)
			p := newProxy(t, b)
			p.Set(Faults{Rate: 1, Kinds: []Kind{tt.kind}})
			began := time.Now()
			err := calls[0].call(t.Context(), config(p))
			if took := time.Since(began); took < tt.least {
				t.Errorf("the client knew after %s, want %s at least", took, tt.least)
			}
			if err == nil || !retryable.IsErrorRetryable(err).Bool() || !errs.Transient(err) {
				t.Errorf("got %v, want an error to retry", err)
			}
			if n := b.served.Load(); n != tt.effect {
				t.Errorf("got %d effects, want %d", n, tt.effect)
			}
			p.Quiet()
			if n := b.served.Load(); tt.kind == LateEffect && n != 1 {
				t.Errorf("got %d effects in the end, want 1", n)
			}
		})
	}
}

func TestASlowAnswerArrives(t *testing.T) {
	b := newBackend(t)
	p := newProxy(t, b)
	p.Set(Faults{Rate: 1, Kinds: []Kind{SlowAnswer}})
	began := time.Now()
	if err := calls[1].call(t.Context(), config(p)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < slowLeast {
		t.Errorf("took %s, want %s at least", took, slowLeast)
	}
}

func TestTheSDKGetsThroughAFewFaults(t *testing.T) {
	p := newProxy(t, newBackend(t))
	p.Set(Faults{Rate: 0.2, Kinds: []Kind{ServiceError, Throttle, Reset, LostAnswer}})
	cfg := config(p)
	cfg.RetryMaxAttempts = 0 // it would take precedence
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 8, 10*time.Millisecond })
	}
	for range 30 {
		if err := calls[0].call(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	got := p.Counts()[calls[0].operation]
	if got[None] != 30 || got[ServiceError]+got[Throttle]+got[Reset]+got[LostAnswer] == 0 {
		t.Errorf("got counts %v", got)
	}
}

func TestFaultsCanBeLimitedAndTurnedOff(t *testing.T) {
	p := newProxy(t, newBackend(t))
	p.Set(Faults{Rate: 1, Kinds: []Kind{Reset}, Only: func(op Operation) bool { return op.Service == "s3" }})
	if err := calls[0].call(t.Context(), config(p)); err != nil {
		t.Errorf("another operation got a fault: %v", err)
	}
	if err := calls[1].call(t.Context(), config(p)); err == nil {
		t.Error("the chosen operation got none")
	}
	p.Set(Faults{})
	if err := calls[1].call(t.Context(), config(p)); err != nil {
		t.Errorf("a fault although all are off: %v", err)
	}
}

func TestTheSameSeedMeansTheSameFates(t *testing.T) {
	fates := func(seed uint64) (all []throw) {
		d := dice{seed: seed, thrown: map[Operation]uint64{}}
		for range 500 {
			all = append(all, d.roll(Operation{"s3", "GetObject"}, Faults{Rate: 0.2}))
		}
		return all
	}
	first, again, other := fates(7), fates(7), fates(8)
	hit, same := 0, 0
	for i := range first {
		if first[i] != again[i] {
			t.Fatalf("request %d: got %v, then %v", i, first[i], again[i])
		}
		if first[i].kind != None {
			hit++
		}
		if first[i] == other[i] && first[i].kind != None {
			same++
		}
	}
	if hit < 70 || hit > 130 {
		t.Errorf("%d of 500 requests got a fault, want about 100", hit)
	}
	if same == hit {
		t.Error("another seed changed nothing")
	}
}
