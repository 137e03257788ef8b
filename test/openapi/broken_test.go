package openapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/replayhandler"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/test/openapi"
)

// broken is what AWS services answer when they fail, below the real SDK.
type broken struct {
	status     int
	code, text string
}

func (b broken) Do(req *http.Request) (*http.Response, error) {
	body, kind := `{"__type":"com.amazon#`+b.code+`","message":"`+b.text+`"}`, "application/x-amz-json-1.0"
	if req.Header.Get("X-Amz-Target") == "" { // S3
		body, kind = `<Error><Code>`+b.code+`</Code><Message>`+b.text+`</Message></Error>`, "application/xml"
	}
	return &http.Response{
		StatusCode: b.status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: req,
	}, nil
}

// TestBrokenServicesAreAnsweredAsDocumented drives the handler that is deployed, over clients whose service fails. The
// emulator cannot be made to.
func TestBrokenServicesAreAnsweredAsDocumented(t *testing.T) {
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	const internals = "arn:aws:iam::123456789012:role/handler"
	seen := map[openapi.Pair]bool{}
	for _, tt := range []struct {
		service broken
		want    int
	}{
		{broken{400, "ThrottlingException", internals}, 503},
		{broken{503, "SlowDown", internals}, 503},
		{broken{500, "InternalServerError", internals}, 503},
		{broken{403, "AccessDeniedException", internals}, 500},
		{broken{403, "AccessDenied", internals}, 500},
	} {
		cfg := aws.Config{
			Region: "us-east-1", HTTPClient: tt.service, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		}
		handler, err := replayhandler.New(config.ReplayHandler{LedgerTable: "table", EventLogBucket: "bucket", ResourceIDPath: "$.id"},
			dynamodb.NewFromConfig(cfg), s3.NewFromConfig(cfg), awstest.Queues{{}}, boot.NewTelemetry(io.Discard, config.Telemetry{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range doc.Operations() {
			req := events.APIGatewayProxyRequest{
				HTTPMethod: op.Method, Resource: op.Path,
				PathParameters: map[string]string{"replayId": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "versionId": "v1", "jobId": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
				RequestContext: events.APIGatewayProxyRequestContext{Stage: "v1", RequestID: "request-1"},
			}
			if op.OperationID == "createReplay" {
				req.Body = `{"select":{"resourceIds":["r1"]},"reason":"a test"}`
			}
			if op.OperationID == "correctVersion" {
				req.Body = `{"resourceId":"r1","transform":{"mergePatch":{"n":1}},"reason":"a test"}`
			}
			if op.OperationID == "closeFailures" || op.OperationID == "reopenFailures" {
				req.Body = `{"select":{"error":"*"},"reason":"a test"}`
			}
			if body := map[string]string{
				"changeReplay": `{"maxPerSecond":1}`, "pauseReplay": `{"reason":"a test"}`, "changeControls": `{"pauseReplays":false}`,
			}[op.OperationID]; body != "" {
				req.Body = body
			}
			if strings.HasPrefix(op.Path, "/versions") && op.Method == "GET" {
				req.QueryStringParameters = map[string]string{"resourceId": "r1"}
			}
			if op.OperationID == "listResources" {
				req.QueryStringParameters = map[string]string{"ownerId": "o1"}
			}
			answer, err := handler.Handle(t.Context(), req)
			if err != nil || answer.StatusCode != tt.want {
				t.Errorf("%s, %s: got %d %s, %v, want %d", op.OperationID, tt.service.code, answer.StatusCode, answer.Body, err, tt.want)
				continue
			}
			if strings.Contains(answer.Body, internals) || !strings.Contains(answer.Body, `"requestId":"request-1"`) {
				t.Errorf("%s, %s: got %s, want the request id and no internals", op.OperationID, tt.service.code, answer.Body)
			}
			header := http.Header{}
			for name, value := range answer.Headers {
				header.Set(name, value)
			}
			path := strings.NewReplacer("{replayId}", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "{versionId}", "v1", "{jobId}", "01ARZ3NDEKTSV4RRFFQ69G5FAV").Replace(op.Path)
			pair, err := doc.Check(openapi.Answer{
				Method: op.Method, Path: path, Status: answer.StatusCode, Header: header, Body: []byte(answer.Body),
			})
			if err != nil {
				t.Error(err)
			}
			seen[pair] = true
		}
	}
	for _, p := range doc.Missing(openapi.Handler, seen) {
		t.Errorf("nothing here gets the answer %s", p)
	}
}
