package iam

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/ce873799/replayable-ingestion/dev/faultproxy"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

// TestCallsAreNotedAsIAMSeesThem sends requests with the SDK's own clients through a proxy.
func TestCallsAreNotedAsIAMSeesThem(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the content does not matter
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer backend.Close()
	recorder := &Recorder{}
	proxy, err := faultproxy.Start(faultproxy.Options{Backend: backend.URL, Observe: recorder.Observe})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Stop()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(proxy.URL()), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("Orders-Record", "secret", ""),
	}
	ctx := t.Context()
	bucket := awss3.NewFromConfig(cfg, func(o *awss3.Options) { o.UsePathStyle = true })
	table, queue, machine := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	const executionARN = "arn:aws:states:us-east-1:000000000000:execution:m:e"
	name, key := aws.String("t"), map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: "a"}}
	update := func(transaction ...dynamotypes.TransactWriteItem) {
		_, _ = table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: transaction})
	}
	functions := lambda.NewFromConfig(cfg)
	for _, call := range []func(){ // each gets an error as its answer
		func() {
			_, _ = functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f:live")})
		},
		func() {
			_, _ = bucket.GetObject(ctx, &awss3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("events/a/b")})
		},
		func() {
			_, _ = bucket.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("events/a"), VersionId: aws.String("v")})
		},
		func() {
			_, _ = bucket.PutObject(ctx, &awss3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("outputs/a"), Body: strings.NewReader("x")})
		},
		func() {
			_, _ = bucket.ListObjectVersions(ctx, &awss3.ListObjectVersionsInput{Bucket: aws.String("b"), Prefix: aws.String("events/a")})
		},
		func() { _, _ = bucket.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: aws.String("b")}) },
		func() {
			_, _ = table.Query(ctx, &dynamodb.QueryInput{TableName: name, IndexName: aws.String("byTime")})
		},
		func() {
			_, _ = table.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamotypes.KeysAndAttributes{"t": {
				Keys: []map[string]dynamotypes.AttributeValue{key},
			}}})
		},
		func() {
			update(dynamotypes.TransactWriteItem{Put: &dynamotypes.Put{TableName: name, Item: key}},
				dynamotypes.TransactWriteItem{ConditionCheck: &dynamotypes.ConditionCheck{TableName: name, Key: key, ConditionExpression: aws.String("x")}})
		},
		func() {
			_, _ = queue.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String("http://x/000000000000/q"),
				Entries: []sqstypes.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String("x")}}})
		},
		func() {
			_, _ = machine.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String("arn:aws:states:us-east-1:000000000000:stateMachine:m")})
		},
		func() {
			_, _ = machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(executionARN)})
		},
		func() {
			_, _ = sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("arn:aws:sns:us-east-1:000000000000:n"), Message: aws.String("x")})
		},
		func() {
			_, _ = ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/p")})
		},
	} {
		call()
	}
	ingestion := config.Manifest{
		EventLogBucket: "b", LedgerTable: "t", ReplayQueueURL: "http://x/000000000000/q", DeadLetterQueueURL: "http://x/000000000000/d",
		OutcomesQueueURL: "http://x/000000000000/o", StateMachineARN: "arn:aws:states:us-east-1:000000000000:stateMachine:m",
		SeriesMachineARN: "arn:aws:states:us-east-1:000000000000:stateMachine:m2", TopicARN: "arn:aws:sns:us-east-1:000000000000:n",
	}
	got, err := recorder.Calls(map[string]map[string]string{"s": {"Manifest": ingestion.Encode(), "TransformArn": "arn:aws:lambda:us-east-1:000000000000:function:f:live", "GeocoderParameter": "/p"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Call{
		{"Record", "dynamodb:BatchGetItem", "Ledger", ""},
		{"Record", "dynamodb:ConditionCheckItem", "Ledger", ""},
		{"Record", "dynamodb:PutItem", "Ledger", ""},
		{"Record", "dynamodb:Query", "Ledger/index/byTime", ""},
		{"Record", "lambda:InvokeFunction", "Transform", ""},
		{"Record", "s3:GetObject", "EventLog/events/*", ""},
		{"Record", "s3:GetObjectVersion", "EventLog/events/*", ""},
		{"Record", "s3:ListBucket", "EventLog", ""},
		{"Record", "s3:ListBucketVersions", "EventLog", "events/*"},
		{"Record", "s3:PutObject", "EventLog/outputs/*", ""},
		{"Record", "sns:Publish", "Topic", ""},
		{"Record", "sqs:SendMessage", "ReplayQueue", ""},
		{"Record", "ssm:GetParameter", "GeocoderParameter", ""},
		{"Record", "states:DescribeExecution", "StateMachine/executions:*", ""},
		{"Record", "states:StartExecution", "StateMachine", ""},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestRequestsThatNeedMoreAreRefused: a header may require another IAM action, which the record would lack.
func TestRequestsThatNeedMoreAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, method, target string
		header               http.Header
		op                   faultproxy.Operation
		body                 string
	}{
		{"a tagged object", "PUT", "/b/events/a", http.Header{"X-Amz-Tagging": {"a=b"}}, faultproxy.Operation{Service: "s3", Name: "PutObject"}, ""},
		{"a write on a condition that reads", "PUT", "/b/events/a", http.Header{"If-Match": {"x"}}, faultproxy.Operation{Service: "s3", Name: "PutObject"}, ""},
		{"tags of an object", "GET", "/b/events/a?tagging", nil, faultproxy.Operation{Service: "s3", Name: "GetObject"}, ""},
		{"a deletion", "DELETE", "/b/events/a", nil, faultproxy.Operation{Service: "s3", Name: "DELETEObject"}, ""},
		{"PartiQL", "POST", "/", nil, faultproxy.Operation{Service: "dynamodb", Name: "ExecuteStatement"}, "{}"},
		{"another service", "POST", "/", nil, faultproxy.Operation{Service: "events", Name: "PutEvents"}, "{}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.target, nil)
			for name, values := range tt.header {
				r.Header[name] = values
			}
			recorder := &Recorder{}
			recorder.Observe(tt.op, r, []byte(tt.body))
			if got, err := recorder.Calls(nil); err == nil {
				t.Errorf("got %v, want an error", got)
			}
		})
	}
}
