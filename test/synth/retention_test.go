package synth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func days(n float64) awscdk.Duration { return awscdk.Duration_Days(jsii.Number(n)) }

// lifecycle returns the rules of the event log by the prefix that they are for.
func lifecycle(t *testing.T, change func(*ingestion.ReplayableIngestionProps)) map[string]map[string]any {
	t.Helper()
	stack := newStack(t)
	props := valid(stack)
	change(props)
	newIngestion(stack, props)
	bucket := synth(t, stack).one(t, "AWS::S3::Bucket", "IngestionEventLog")
	byPrefix := map[string]map[string]any{}
	for _, r := range bucket["LifecycleConfiguration"].(map[string]any)["Rules"].([]any) {
		rule := r.(map[string]any)
		if rule["Status"] != "Enabled" {
			t.Errorf("%v is off", rule)
		}
		prefix, _ := rule["Prefix"].(string)
		byPrefix[prefix] = rule
	}
	return byPrefix
}

func TestNothingThatIsNeededExpiresByDefault(t *testing.T) {
	rules := lifecycle(t, func(*ingestion.ReplayableIngestionProps) {})
	for prefix, expected := range map[string]map[string]string{
		schema.EventsPrefix: {
			"NoncurrentVersionExpiration.NoncurrentDays": "90", "NoncurrentVersionExpiration.NewerNoncurrentVersions": "<nil>",
			"NoncurrentVersionTransitions": "<nil>",
		},
		schema.OutputsPrefix:    {"NoncurrentVersionExpiration.NoncurrentDays": "7"},
		schema.UnrecordedPrefix: {"NoncurrentVersionExpiration.NoncurrentDays": "7"},
		schema.ReplaysPrefix:    {"NoncurrentVersionExpiration.NoncurrentDays": "7"},
	} {
		want(t, rules[prefix], expected)
		want(t, rules[prefix], map[string]string{"ExpirationInDays": "<nil>", "ExpiredObjectDeleteMarker": "true"})
	}
	want(t, rules[schema.DerivedPrefix], map[string]string{"ExpirationInDays": "30", "NoncurrentVersionExpiration.NoncurrentDays": "7"})
	want(t, rules[""], map[string]string{
		"AbortIncompleteMultipartUpload.DaysAfterInitiation": "7", "NoncurrentVersionExpiration": "<nil>", "ExpirationInDays": "<nil>",
	})
}

func TestRetentionProps(t *testing.T) {
	rules := lifecycle(t, func(p *ingestion.ReplayableIngestionProps) {
		p.NoncurrentVersionExpiration = days(400)
		p.NoncurrentVersionsToRetain = jsii.Number(5)
		p.NoncurrentVersionTransition = &awss3.NoncurrentVersionTransition{
			StorageClass: awss3.StorageClass_GLACIER_INSTANT_RETRIEVAL(), TransitionAfter: days(10),
		}
		p.OutputExpiration, p.DerivedExpiration, p.UnrecordedExpiration = days(60), days(15), days(365)
	})
	want(t, rules[schema.EventsPrefix], map[string]string{
		"NoncurrentVersionExpiration.NoncurrentDays":          "400",
		"NoncurrentVersionExpiration.NewerNoncurrentVersions": "5",
		"NoncurrentVersionTransitions.0.StorageClass":         "GLACIER_IR",
		"NoncurrentVersionTransitions.0.TransitionInDays":     "10",
		"ExpirationInDays":          "<nil>", // the latest event stays, whatever else is asked for
		"ExpiredObjectDeleteMarker": "true",
		"NoncurrentVersionTransitions.0.NewerNoncurrentVersions": "<nil>",
	})
	for prefix, expected := range map[string]string{schema.OutputsPrefix: "60", schema.DerivedPrefix: "15", schema.UnrecordedPrefix: "365"} {
		want(t, rules[prefix], map[string]string{"ExpirationInDays": expected, "ExpiredObjectDeleteMarker": "<nil>"}) // S3 takes one of the two
	}
}

func TestFaultsOfRetention(t *testing.T) {
	transition := func(class awss3.StorageClass, after awscdk.Duration) *awss3.NoncurrentVersionTransition {
		return &awss3.NoncurrentVersionTransition{StorageClass: class, TransitionAfter: after}
	}
	for _, tt := range []struct {
		name  string
		props ingestion.ReplayableIngestionProps
		want  []string
	}{
		{"numbers out of range", ingestion.ReplayableIngestionProps{
			NoncurrentVersionsToRetain: jsii.Number(101), OutputExpiration: days(0), DerivedExpiration: days(14), UnrecordedExpiration: days(40_000),
		}, []string{
			"NoncurrentVersionsToRetain must be a whole number from 1 to 100, got 101",
			"OutputExpiration must be from 24h0m0s to 876000h0m0s, got 0s",
			"DerivedExpiration must be from 360h0m0s to 876000h0m0s, got 336h0m0s",
			"UnrecordedExpiration must be from 24h0m0s to 876000h0m0s, got 960000h0m0s",
		}},
		{"hours", ingestion.ReplayableIngestionProps{OutputExpiration: awscdk.Duration_Hours(jsii.Number(30))},
			[]string{"OutputExpiration must be in whole days, got 30h0m0s"}},
		{"a class that needs a restore", ingestion.ReplayableIngestionProps{NoncurrentVersionTransition: transition(awss3.StorageClass_DEEP_ARCHIVE(), days(1))},
			[]string{"NoncurrentVersionTransition.StorageClass must be one of [STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER_IR], got DEEP_ARCHIVE"}},
		{"infrequent access too soon", ingestion.ReplayableIngestionProps{NoncurrentVersionTransition: transition(awss3.StorageClass_INFREQUENT_ACCESS(), days(29))},
			[]string{"NoncurrentVersionTransition.TransitionAfter must be from 720h0m0s to 876000h0m0s, got 696h0m0s"}},
		{"a move of what is gone by then", ingestion.ReplayableIngestionProps{NoncurrentVersionTransition: transition(awss3.StorageClass_INTELLIGENT_TIERING(), days(90))},
			[]string{"NoncurrentVersionTransition.TransitionAfter must be less than NoncurrentVersionExpiration (2160h0m0s), got 2160h0m0s"}},
		{"an empty transition", ingestion.ReplayableIngestionProps{NoncurrentVersionTransition: &awss3.NoncurrentVersionTransition{}},
			[]string{"NoncurrentVersionTransition.StorageClass is required", "NoncurrentVersionTransition.TransitionAfter is required"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			tt.props.Workflow, tt.props.ResourceIdPath = pass(stack, "Work"), jsii.String("$.id")
			faultsAre(t, panics(func() { newIngestion(stack, &tt.props) }), tt.want...)
		})
	}
}

// faultsAre compares the lines of a panic with how they should begin.
func faultsAre(t *testing.T, message string, expected ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(message, `ReplayableIngestion "Ingestion": `), "\n")
	if len(lines) != len(expected) {
		t.Errorf("got %d faults, want %d:\n%s", len(lines), len(expected), message)
		return
	}
	for i, w := range expected {
		if !strings.HasPrefix(lines[i], w) {
			t.Errorf("fault %d: got %q, want %q", i+1, lines[i], w)
		}
	}
}

func TestTokensOfRetentionGoToCloudFormation(t *testing.T) {
	stack := newStack(t)
	n := awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	props := valid(stack)
	props.NoncurrentVersionExpiration, props.NoncurrentVersionsToRetain = awscdk.Duration_Days(n), n
	props.NoncurrentVersionTransition = &awss3.NoncurrentVersionTransition{StorageClass: awss3.StorageClass_INFREQUENT_ACCESS(), TransitionAfter: days(30)}
	newIngestion(stack, props)
	rules := fmt.Sprint(synth(t, stack).one(t, "AWS::S3::Bucket", "IngestionEventLog")["LifecycleConfiguration"])
	if !strings.Contains(rules, "NoncurrentDays:map[Ref:N]") {
		t.Errorf("got %s", rules)
	}
}
