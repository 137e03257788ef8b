package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"

	"github.com/ce873799/replayable-ingestion/internal/aws/sdk"
)

// service reads requests, fails the first, and keeps their bodies, which the SDK closes then.
type service struct {
	bodies []io.Reader
	texts  []string
	length []int64
}

// Do implements aws.HTTPClient.
func (s *service) Do(req *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	s.bodies, s.texts, s.length = append(s.bodies, req.Body), append(s.texts, string(text)), append(s.length, req.ContentLength)
	status, answer := http.StatusOK, ""
	if strings.Contains(req.Header.Get("X-Amz-Target"), "DynamoDB") || strings.Contains(req.Header.Get("X-Amz-Target"), "SQS") {
		answer = "{}"
	}
	if len(s.texts) == 1 {
		status = http.StatusInternalServerError
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewBufferString(answer)), Request: req}, nil
}

func (s *service) config(options ...func(*middleware.Stack) error) aws.Config {
	return aws.Config{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), HTTPClient: s,
		APIOptions: options, Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = 2
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

var calls = map[string]func(context.Context, aws.Config) error{
	"dynamodb": func(ctx context.Context, cfg aws.Config) error {
		_, err := dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{
			TableName: aws.String("t"), Item: map[string]types.AttributeValue{"a": &types.AttributeValueMemberS{Value: "b"}},
		})
		return err
	},
	"s3": func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("b"), Key: aws.String("k"), Body: bytes.NewReader([]byte(`{"a":"b"}`)),
		})
		return err
	},
	"sns": func(ctx context.Context, cfg aws.Config) error {
		_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("t"), Message: aws.String("b")})
		return err
	},
	"sqs": func(ctx context.Context, cfg aws.Config) error {
		_, err := sqs.NewFromConfig(cfg).DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String("https://q"), ReceiptHandle: aws.String("r")})
		return err
	},
}

func TestAClosedBodyHasEnded(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			var plain, own service
			_ = call(t.Context(), plain.config(sdk.PlainBodies)) // the answers are poor
			_ = call(t.Context(), own.config())
			if len(plain.texts) != 2 || len(own.texts) != 2 {
				t.Fatalf("%d and %d requests, want 2 each", len(plain.texts), len(own.texts))
			}
			for i, text := range plain.texts {
				if text == "" || len(text) != len(own.texts[i]) || plain.length[i] != own.length[i] {
					t.Errorf("request %d has a body of %d bytes, said to be %d; the SDK's own has %d, said to be %d",
						i, len(text), plain.length[i], len(own.texts[i]), own.length[i])
				}
			}
			if plain.texts[0] != plain.texts[1] {
				t.Errorf("sent %q, then %q", plain.texts[0], plain.texts[1])
			}
			for i, body := range plain.bodies {
				if n, err := io.Copy(io.Discard, body); n != 0 || err != nil {
					t.Errorf("request %d, once closed: %d bytes, %v, want its end", i, n, err)
				}
			}
		})
	}
}

// When this fails, the SDK has mended what PlainBodies is for.
func TestTheSDKStillNeedsPlainBodies(t *testing.T) {
	var own service
	_ = calls["sqs"](t.Context(), own.config())
	if len(own.bodies) == 0 {
		t.Fatal("nothing was sent")
	}
	if _, err := io.Copy(io.Discard, own.bodies[0]); !errors.Is(err, io.EOF) {
		t.Errorf("a closed body answers %v, no longer io.EOF: PlainBodies can go", err)
	}
}
