package ingestion

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/eventpath"
)

const day = 24 * time.Hour

// validatePlace returns what is wrong with where the construct is to be.
func validatePlace(scope constructs.Construct, id *string) error {
	var f faults
	if isNil(scope) {
		f.add("scope is required: the stack or construct to create it in")
	}
	if id == nil || *id == "" {
		f.add("id is required: a name that nothing else in the scope has")
	}
	return errors.Join(f...)
}

// validate returns every fault of the props that can be known without creating anything.
func (p *ReplayableIngestionProps) validate() error {
	if p == nil {
		return errors.New("props are required: Workflow and ResourceIdPath")
	}
	var f faults
	if isNil(p.Workflow) {
		f.add("Workflow is required: use FromChainable, FromDefinition, FromDefinitionFile or FromStateMachine")
	} else {
		f = append(f, p.Workflow.validate()...)
	}
	if p.ResourceIdPath == nil {
		f.add("ResourceIdPath is required: a JSONPath such as $.listing.id")
	}
	f.eventPath("ResourceIdPath", p.ResourceIdPath)
	f.eventPath("OwnerIdPath", p.OwnerIdPath)

	f.versioned("EventLog", p.EventLog)
	f.architecture("Architecture", p.Architecture)
	f.duration("Timeout", p.Timeout, time.Second, 366*day)
	p.validateRetention(&f)
	f.number("MaximumConcurrency", p.MaximumConcurrency, 2, 1000, whole)
	f.number("OutcomesMaximumConcurrency", p.OutcomesMaximumConcurrency, 2, 1000, whole)
	f.number("RecordReservedConcurrency", p.RecordReservedConcurrency, 1, 10_000, whole)
	p.validateTransforms(&f)
	p.validateContradictions(&f)
	p.validateOwners(&f)
	p.validateNetwork(&f)
	p.validateAccess(&f)
	p.validateAutoReplay(&f)
	p.validatePace(&f)
	p.validateObservability(&f)
	return errors.Join(f...)
}

// faults collects what is wrong, so that all of it is reported at once.
type faults []error

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (f *faults) eventPath(prop string, p *string) {
	if p == nil || *awscdk.Token_IsUnresolved(p) {
		return
	}
	if _, err := eventpath.Parse(*p); err != nil {
		*f = append(*f, fmt.Errorf("%s: %w", prop, err))
	}
}

// metricAlarm refuses a composite alarm: DescribeAlarms shows one only to who may see every alarm of the account.
func (f *faults) metricAlarm(prop string, alarm awscloudwatch.IAlarm) {
	if alarm == nil {
		return
	}
	resource, made := alarm.Node().DefaultChild().(awscdk.CfnResource) // an imported one has none
	if made && *resource.CfnResourceType() == "AWS::CloudWatch::CompositeAlarm" {
		f.add("%s must be a metric alarm, got the composite alarm %s: pass one of its metric alarms", prop, *alarm.Node().Path())
	}
}

// versioned refuses a bucket of this app that keeps one version per object only. Of an imported one nothing is known.
func (f *faults) versioned(prop string, bucket awss3.IBucket) {
	if bucket == nil {
		return
	}
	if resource, made := bucket.Node().DefaultChild().(awss3.CfnBucket); made && resource.VersioningConfiguration() == nil {
		f.add("%s must be a versioned bucket, got %s, which is not: set Versioned", prop, *bucket.Node().Path())
	}
}

func (f *faults) architecture(prop string, arch awslambda.Architecture) {
	if arch != nil && *arch.Name() != "arm64" && *arch.Name() != "x86_64" {
		f.add("%s must be ARM_64 or X86_64, got %q", prop, *arch.Name())
	}
}

func (f *faults) globs(prop string, patterns *[]*string) {
	if patterns == nil {
		return
	}
	for i, p := range *patterns {
		if p == nil || *p == "" {
			f.add("%s[%d] must be the name of an error or a glob, got nothing", prop, i)
		} else if err := domain.CheckGlob(*p); err != nil {
			f.add("%s[%d] must be a glob that path.Match reads, got %q", prop, i, *p)
		} else if from, to, found := backwards(*p); found {
			f.add("%s[%d] matches nothing, as %c comes after %c in %q: turn the range round", prop, i, from, to, *p)
		}
	}
}

// backwards finds a range in a glob that begins after its end, such as [z-a]. A negated one matches anything.
func backwards(glob string) (from, to rune, found bool) {
	in, runes := false, []rune(glob)
	for i := 0; i < len(runes); i++ {
		switch {
		case runes[i] == '\\':
			i++
		case runes[i] == '[' && !in:
			in = i+1 < len(runes) && runes[i+1] != '^'
		case runes[i] == ']':
			in = false
		case in && i+2 < len(runes) && runes[i+1] == '-' && runes[i] > runes[i+2]:
			return runes[i], runes[i+2], true
		}
	}
	return 0, 0, false
}

// kind of a number.
const (
	whole      = true
	fractional = false
)

func (f *faults) number(prop string, n *float64, lowest, highest float64, integer bool) {
	if n == nil || isToken(n) {
		return
	}
	kind := "a number"
	if integer {
		kind = "a whole number"
	}
	if !(*n >= lowest && *n <= highest) || integer && *n != math.Trunc(*n) {
		f.add("%s must be %s from %v to %v, got %v", prop, kind, lowest, highest, *n)
	}
}

func (f *faults) duration(prop string, d awscdk.Duration, lowest, highest time.Duration) {
	if d == nil || *d.IsUnresolved() {
		return
	}
	if got := goDuration(d); got < lowest || got > highest {
		f.add("%s must be from %s to %s, got %s", prop, lowest, highest, got)
	}
}

// known refuses tokens where the value itself is needed at synth time.
func (f *faults) known(prop string, d awscdk.Duration) {
	if d != nil && *d.IsUnresolved() {
		f.add("%s must be known when the app synthesizes, got a token", prop)
	}
}

func (f *faults) knownNumber(prop string, n *float64) {
	if n != nil && isToken(n) {
		f.add("%s must be known when the app synthesizes, got a token", prop)
	}
}

// isToken reports whether a number stands for a value that is not known yet. NaN and the infinities are not tokens, and
// must not be asked about: jsii cannot send them to Node.js, and ends.
func isToken(n *float64) bool {
	return !math.IsNaN(*n) && !math.IsInf(*n, 0) && *awscdk.Token_IsUnresolved(n)
}

// goDuration converts a duration that is not a token. Hundreds of years overflow and come out as the longest there is.
func goDuration(d awscdk.Duration) time.Duration {
	ms := *d.ToMilliseconds(&awscdk.TimeConversionOptions{Integral: jsii.Bool(false)})
	if ms >= float64(math.MaxInt64/int64(time.Millisecond)) {
		return math.MaxInt64
	}
	return time.Duration(ms * float64(time.Millisecond))
}
