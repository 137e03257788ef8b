package sfn_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/errs"
)

// The SDK repeats a call that failed in passing. A start that was throttled is left to the pace of replays.
func TestAThrottledStartIsNotRepeatedAtOnce(t *testing.T) {
	for code, want := range map[string]int{"ThrottlingException": 1, "InternalServerError": 2} {
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls > 1 {
				_, _ = w.Write([]byte(`{"executionArn": "arn", "startDate": 1}`))
				return
			}
			w.WriteHeader(map[bool]int{true: 400, false: 500}[code == "ThrottlingException"])
			_, _ = w.Write([]byte(`{"__type": "` + code + `"}`))
		}))
		defer server.Close()
		client := awssfn.NewFromConfig(aws.Config{
			Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		})
		_, err := sfn.New(client, "arn:aws:states:us-east-1:000000000000:stateMachine:m").Start(t.Context(), "x", []byte("{}"))
		if calls != want || (err != nil) != (want == 1) || err != nil && !errs.Throttled(err) {
			t.Errorf("%s: got %d calls and %v, want %d", code, calls, err, want)
		}
	}
}
