package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func (e *exam) logChecks() []check {
	return []check{
		one("log.versioning", e.versioning), one("log.public-access", e.publicAccess),
		one("log.encryption", e.encryption), one("log.lifecycle", e.lifecycle),
	}
}

func (e *exam) versioning(ctx context.Context, v *verdict) {
	out, err := e.objects.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &e.at.EventLogBucket})
	switch {
	case err != nil:
		e.cannot(v, "the versioning of "+e.at.EventLogBucket, "s3:GetBucketVersioning", err)
	case out.Status == s3types.BucketVersioningStatusEnabled:
		v.says("enabled")
	default:
		v.fails("`aws s3api put-bucket-versioning --bucket "+e.at.EventLogBucket+" --versioning-configuration Status=Enabled`",
			"it is %s: a new event of a resource replaces the one before", strings.ToLower(cmpOr(string(out.Status), "off")))
	}
}

func cmpOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (e *exam) publicAccess(ctx context.Context, v *verdict) {
	remedy := "`aws s3api put-public-access-block --bucket " + e.at.EventLogBucket +
		" --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`"
	out, err := e.objects.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &e.at.EventLogBucket})
	if is(err, "NoSuchPublicAccessBlockConfiguration") {
		v.fails(remedy, "public access is not blocked")
		return
	}
	if err != nil || out.PublicAccessBlockConfiguration == nil {
		e.cannot(v, "the public access block of "+e.at.EventLogBucket, "s3:GetBucketPublicAccessBlock", err)
		return
	}
	c := out.PublicAccessBlockConfiguration
	var open []string
	for name, on := range map[string]*bool{
		"BlockPublicAcls": c.BlockPublicAcls, "IgnorePublicAcls": c.IgnorePublicAcls,
		"BlockPublicPolicy": c.BlockPublicPolicy, "RestrictPublicBuckets": c.RestrictPublicBuckets,
	} {
		if !aws.ToBool(on) {
			open = append(open, name)
		}
	}
	if slices.Sort(open); len(open) > 0 {
		v.fails(remedy, "%s is off", strings.Join(open, ", "))
		return
	}
	v.says("all public access is blocked")
}

func (e *exam) encryption(ctx context.Context, v *verdict) {
	out, err := e.objects.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &e.at.EventLogBucket})
	if is(err, "ServerSideEncryptionConfigurationNotFoundError") {
		v.warns("deploy the stack again", "the bucket asks for no encryption; S3 encrypts with keys of its own")
		return
	}
	if err != nil || out.ServerSideEncryptionConfiguration == nil || len(out.ServerSideEncryptionConfiguration.Rules) == 0 {
		e.cannot(v, "the encryption of "+e.at.EventLogBucket, "s3:GetEncryptionConfiguration", err)
		return
	}
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		if d := r.ApplyServerSideEncryptionByDefault; d != nil {
			v.says("%s", strings.TrimSpace(string(d.SSEAlgorithm)+" "+aws.ToString(d.KMSMasterKeyID)))
			e.usesKey(d.KMSMasterKeyID)
		}
	}
}

// lifecycle looks for rules that would take the newest event of a resource away, or out of reach.
func (e *exam) lifecycle(ctx context.Context, v *verdict) {
	out, err := e.objects.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &e.at.EventLogBucket})
	if is(err, "NoSuchLifecycleConfiguration") {
		v.warns("deploy the stack again, or set NoncurrentVersionExpiration", "no lifecycle: replaced events never expire")
		return
	}
	if err != nil {
		e.cannot(v, "the lifecycle of "+e.at.EventLogBucket, "s3:GetLifecycleConfiguration", err)
		return
	}
	bounded := false
	for _, r := range out.Rules {
		if r.Status != s3types.ExpirationStatusEnabled || !coversEvents(r) {
			continue
		}
		id := aws.ToString(r.ID)
		remedy := fmt.Sprintf("remove rule %q from the lifecycle of %s, or give it a prefix other than %s", id, e.at.EventLogBucket, schema.EventsPrefix)
		if x := r.Expiration; x != nil && (aws.ToInt32(x.Days) > 0 || x.Date != nil) {
			v.fails(remedy, "rule %q deletes the newest event of a resource", id)
		}
		for _, t := range r.Transitions {
			if archived(t.StorageClass) {
				v.fails(remedy, "rule %q moves the newest events to %s, from where they must be restored first", id, t.StorageClass)
			}
		}
		for _, t := range r.NoncurrentVersionTransitions {
			if archived(t.StorageClass) {
				v.fails(remedy, "rule %q moves replaced events to %s, from where they must be restored first", id, t.StorageClass)
			}
		}
		if n := r.NoncurrentVersionExpiration; n != nil {
			bounded = true
			v.says("replaced events expire after %d days", aws.ToInt32(n.NoncurrentDays))
		}
	}
	if v.finding("").Status != Fail {
		v.says("the newest event of a resource stays")
	}
	if !bounded {
		v.says("replaced events never expire")
	}
}

func archived(c s3types.TransitionStorageClass) bool {
	return c == s3types.TransitionStorageClassGlacier || c == s3types.TransitionStorageClassDeepArchive
}

// coversEvents reports whether a rule is about events. Nobody tags them, so a rule that asks for tags is not.
func coversEvents(r s3types.LifecycleRule) bool {
	prefix := aws.ToString(r.Prefix) //nolint:staticcheck // rules of old have it there
	if f := r.Filter; f != nil {
		if f.Tag != nil || f.And != nil && len(f.And.Tags) > 0 {
			return false
		}
		if f.Prefix != nil {
			prefix = *f.Prefix
		}
		if f.And != nil {
			prefix = aws.ToString(f.And.Prefix)
		}
	}
	return strings.HasPrefix(schema.EventsPrefix, prefix) || strings.HasPrefix(prefix, schema.EventsPrefix)
}
