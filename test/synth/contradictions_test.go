package synth_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

func TestPropsThatContradictEachOther(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(awscdk.Stack, *ingestion.ReplayableIngestionProps)
		want   []string
	}{
		{"settings of what is off", func(_ awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.AutoReplay, p.BackoffRate, p.CanaryThreshold = jsii.Bool(false), jsii.Number(3), jsii.Number(20)
			p.MaxAttempts, p.RetryOn = jsii.Number(3), jsii.Strings("E") // decide what is quarantined
		}, []string{"BackoffRate has no effect with AutoReplay false: leave one of them out", "CanaryThreshold has no effect with AutoReplay false"}},
		{"the lifecycle of another bucket", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.EventLog, p.OutputExpiration = versioned(s, "Mine"), days(30)
			p.NoncurrentVersionsToRetain = jsii.Number(3)
		}, []string{"NoncurrentVersionsToRetain has no effect with EventLog", "OutputExpiration has no effect with EventLog"}},
		{"a glob in both lists", func(_ awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.RetryOn, p.DoNotRetryOn = jsii.Strings("A", "Geo*"), jsii.Strings("Geo*", "B")
		}, []string{`RetryOn and DoNotRetryOn both have "Geo*": take it out of one`}},
		{"a range that runs backwards", func(_ awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.RetryOn = jsii.Strings("[a-z]*", "[z-a]*")
		}, []string{`RetryOn[1] matches nothing, as z comes after a in "[z-a]*": turn the range round`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			props := valid(stack)
			tt.change(stack, props)
			faultsAre(t, panics(func() { newIngestion(stack, props) }), tt.want...)
		})
	}
}

// TestWhatBelongsToOneIngestion: a second one with the same bucket would take the other's events for its own.
func TestWhatBelongsToOneIngestion(t *testing.T) {
	for _, tt := range []struct {
		name   string
		shared func(awscdk.Stack) func(*ingestion.ReplayableIngestionProps)
		want   string // "" if they may share it
	}{
		{"a bucket", func(s awscdk.Stack) func(*ingestion.ReplayableIngestionProps) {
			mine := versioned(s, "Shared")
			return func(p *ingestion.ReplayableIngestionProps) { p.EventLog = mine }
		}, "EventLog is that of the ingestion Test/Ingestion already: give each a bucket of its own"},
		{"a FIFO topic", func(s awscdk.Stack) func(*ingestion.ReplayableIngestionProps) {
			news := fifo(s, "News")
			return func(p *ingestion.ReplayableIngestionProps) { p.Topic = news }
		}, "Topic is that of the ingestion Test/Ingestion already: give each a FIFO topic of its own"},
		{"a topic", func(s awscdk.Stack) func(*ingestion.ReplayableIngestionProps) {
			news := awssns.NewTopic(s, jsii.String("News"), nil)
			return func(p *ingestion.ReplayableIngestionProps) { p.Topic = news }
		}, ""},
		{"a chain of states", func(s awscdk.Stack) func(*ingestion.ReplayableIngestionProps) {
			work := pass(s, "Shared")
			return func(p *ingestion.ReplayableIngestionProps) { p.Workflow = work }
		}, "Workflow is that of the ingestion Test/Ingestion already: make states of its own for each"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			share := tt.shared(stack)
			first := valid(stack)
			share(first)
			newIngestion(stack, first)
			second := &ingestion.ReplayableIngestionProps{Workflow: pass(stack, "OtherWork"), ResourceIdPath: jsii.String("$.id")}
			share(second)
			message := panics(func() { ingestion.NewReplayableIngestion(stack, jsii.String("Second"), second) })
			if tt.want == "" {
				if message != "" {
					t.Errorf("got %s", message)
				}
				return
			}
			faultsAre(t, strings.TrimPrefix(message, `ReplayableIngestion "Second": `), tt.want)
		})
	}
}

func TestAnImportedBucketIsWarnedAbout(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.EventLog = awss3.Bucket_FromBucketName(stack, jsii.String("Mine"), jsii.String("mine"))
	newIngestion(stack, props)
	found := assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Ingestion"),
		assertions.Match_StringLikeRegexp(jsii.String("cannot be checked from here that it is versioned")))
	if len(*found) != 1 {
		t.Errorf("got %d warnings, want 1", len(*found))
	}
}
