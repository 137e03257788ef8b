package cloudwatch_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/ce873799/replayable-ingestion/internal/aws/cloudwatch"
)

// service answers DescribeAlarms as CloudWatch does, whose client speaks CBOR. The emulator does not.
func service(t *testing.T, alarms cbor.List) *awscloudwatch.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		if !strings.HasSuffix(r.URL.Path, "/operation/DescribeAlarms") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write(cbor.Encode(cbor.Map{"MetricAlarms": alarms})) // the test fails without it
	}))
	t.Cleanup(server.Close)
	return awscloudwatch.New(awscloudwatch.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		RetryMaxAttempts: 1, HTTPClient: server.Client(),
	})
}

func TestInAlarmFollowsTheAlarm(t *testing.T) {
	for state, want := range map[string]bool{"ALARM": true, "OK": false, "INSUFFICIENT_DATA": false} {
		a := cloudwatch.New(service(t, cbor.List{cbor.Map{"AlarmName": cbor.String("trouble"), "StateValue": cbor.String(state)}}), "trouble")
		if got, err := a.InAlarm(t.Context()); err != nil || got != want {
			t.Errorf("%s: got %t, %v, want %t", state, got, err, want)
		}
	}
}

func TestAnAlarmThatIsNotThereIsAnError(t *testing.T) {
	a := cloudwatch.New(service(t, cbor.List{}), "trouble")
	if _, err := a.InAlarm(t.Context()); err == nil || !strings.Contains(err.Error(), "no metric alarm trouble") {
		t.Errorf("got %v", err)
	}
}
