package ingestion

import (
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

const (
	// abortUploadsAfterDays cleans up after clients that died. The functions upload in one piece.
	abortUploadsAfterDays = 7
	// Nobody reads old versions of anything but events. They are kept for a week, for who deletes by mistake.
	otherNoncurrentDays = 7

	// minDerivedDays: a failed execution may be redriven for 14 days, and then reads its event again.
	minDerivedDays     = 15
	defaultDerivedDays = 30

	// minTransitionDays is S3's own for the classes of infrequent access.
	minTransitionDays = 30
	// maxRetained is S3's own.
	maxRetained = 100
)

// retention is how long what is in the event log stays there. nil: for ever.
type retention struct {
	noncurrent awscdk.Duration
	retain     *float64
	transition *awss3.NoncurrentVersionTransition
	outputs    awscdk.Duration
	derived    awscdk.Duration
	unrecorded awscdk.Duration
}

func (p *ReplayableIngestionProps) resolveRetention() retention {
	k := retention{
		noncurrent: p.NoncurrentVersionExpiration,
		retain:     p.NoncurrentVersionsToRetain,
		transition: p.NoncurrentVersionTransition,
		outputs:    p.OutputExpiration,
		derived:    p.DerivedExpiration,
		unrecorded: p.UnrecordedExpiration,
	}
	if k.noncurrent == nil {
		k.noncurrent = awscdk.Duration_Days(jsii.Number(90))
	}
	if k.derived == nil {
		k.derived = awscdk.Duration_Days(jsii.Number(defaultDerivedDays))
	}
	return k
}

// lifecycleRules go by prefix. What is deleted or expires leaves a marker in a versioned bucket; the markers go as soon
// as nothing is behind them. The current version of an event never expires: it is what a resource looks like.
func (k retention) lifecycleRules() *[]*awss3.LifecycleRule {
	events := &awss3.LifecycleRule{
		Id:                          jsii.String("ExpireNoncurrentVersions"),
		Prefix:                      jsii.String(schema.EventsPrefix),
		NoncurrentVersionExpiration: k.noncurrent,
		NoncurrentVersionsToRetain:  k.retain,
		ExpiredObjectDeleteMarker:   jsii.Bool(true),
	}
	if k.transition != nil {
		events.NoncurrentVersionTransitions = &[]*awss3.NoncurrentVersionTransition{k.transition}
	}
	return &[]*awss3.LifecycleRule{
		events,
		expire("ExpireOutputs", schema.OutputsPrefix, k.outputs),
		expire("ExpireDerived", schema.DerivedPrefix, k.derived),
		expire("ExpireUnrecorded", schema.UnrecordedPrefix, k.unrecorded),
		expire("ExpireReplays", schema.ReplaysPrefix, nil), // who asked for what, and why: as long as the ledger knows the replay
		{
			Id:                                  jsii.String("AbortIncompleteUploads"),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(abortUploadsAfterDays)),
		},
	}
}

// expire is a rule for objects that are not versions of anything. S3 takes either days or markers, and removes the
// markers of what expires by itself.
func expire(id, prefix string, after awscdk.Duration) *awss3.LifecycleRule {
	rule := &awss3.LifecycleRule{
		Id:                          jsii.String(id),
		Prefix:                      jsii.String(prefix),
		Expiration:                  after,
		NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(otherNoncurrentDays)),
	}
	if after == nil {
		rule.ExpiredObjectDeleteMarker = jsii.Bool(true)
	}
	return rule
}

func (p *ReplayableIngestionProps) validateRetention(f *faults) {
	f.duration("NoncurrentVersionExpiration", p.NoncurrentVersionExpiration, day, 36_500*day)
	f.number("NoncurrentVersionsToRetain", p.NoncurrentVersionsToRetain, 1, maxRetained, whole)
	f.duration("OutputExpiration", p.OutputExpiration, day, 36_500*day)
	f.duration("DerivedExpiration", p.DerivedExpiration, minDerivedDays*day, 36_500*day)
	f.duration("UnrecordedExpiration", p.UnrecordedExpiration, day, 36_500*day)
	for _, d := range []struct {
		prop  string
		value awscdk.Duration
	}{
		{"NoncurrentVersionExpiration", p.NoncurrentVersionExpiration},
		{"OutputExpiration", p.OutputExpiration},
		{"DerivedExpiration", p.DerivedExpiration},
		{"UnrecordedExpiration", p.UnrecordedExpiration},
	} {
		f.wholeDays(d.prop, d.value)
	}
	p.validateTransition(f)
}

// readable are the storage classes that answer a GetObject at once, by their names in CloudFormation. From the others
// an event must be restored first, which takes minutes to days, and a replay cannot wait for that.
var readable = []string{"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}

func (p *ReplayableIngestionProps) validateTransition(f *faults) {
	t := p.NoncurrentVersionTransition
	if t == nil {
		return
	}
	if t.NoncurrentVersionsToRetain != nil {
		f.number("NoncurrentVersionTransition.NoncurrentVersionsToRetain", t.NoncurrentVersionsToRetain, 1, maxRetained, whole)
	}
	infrequent := false
	if t.StorageClass == nil {
		f.add("NoncurrentVersionTransition.StorageClass is required: one of %v", readable)
	} else if class := *t.StorageClass.Value(); !slices.Contains(readable, class) {
		f.add("NoncurrentVersionTransition.StorageClass must be one of %v, got %s: a replay cannot wait for a restore", readable, class)
	} else {
		infrequent = class == "STANDARD_IA" || class == "ONEZONE_IA"
	}
	if t.TransitionAfter == nil {
		f.add("NoncurrentVersionTransition.TransitionAfter is required: a number of days")
		return
	}
	least := day
	if infrequent {
		least = minTransitionDays * day
	}
	f.duration("NoncurrentVersionTransition.TransitionAfter", t.TransitionAfter, least, 36_500*day)
	f.wholeDays("NoncurrentVersionTransition.TransitionAfter", t.TransitionAfter)
	expires := orKnown(p.NoncurrentVersionExpiration, 90*day)
	if !*t.TransitionAfter.IsUnresolved() && expires > 0 && goDuration(t.TransitionAfter) >= expires {
		f.add("NoncurrentVersionTransition.TransitionAfter must be less than NoncurrentVersionExpiration (%s), got %s",
			expires, goDuration(t.TransitionAfter))
	}
}

// orKnown returns 0 for a token.
func orKnown(d awscdk.Duration, otherwise time.Duration) time.Duration {
	if d != nil && *d.IsUnresolved() {
		return 0
	}
	return orDuration(d, otherwise)
}

// wholeDays: S3 counts in days.
func (f *faults) wholeDays(prop string, d awscdk.Duration) {
	if d != nil && !*d.IsUnresolved() && goDuration(d) > day && goDuration(d)%day != 0 {
		f.add("%s must be in whole days, got %s", prop, goDuration(d))
	}
}
