package eventlog

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
)

// bucket lets a test create any history, and counts the calls.
type bucket struct {
	*awstest.Bucket
	pages   int32   // most versions per page; 0: as asked for
	version *string // what every PutObject answers instead of a version id
	heads   atomic.Int32
	lists   int
}

func newBucket() *bucket { return &bucket{Bucket: awstest.NewBucket()} }

func (b *bucket) add(key, body string, meta Meta, at time.Time) (id string) {
	b.Now = func() time.Time { return at }
	out, err := b.Bucket.PutObject(bg, &s3.PutObjectInput{Key: &key, Body: strings.NewReader(body), Metadata: meta.encode()})
	if err != nil {
		panic(err) // it takes any object
	}
	return *out.VersionId
}

func (b *bucket) remove(key string, at time.Time) {
	b.Now = func() time.Time { return at }
	b.Delete(key)
}

// metadata is that of an object's newest version.
func (b *bucket) metadata(key string) map[string]string {
	out, err := b.Bucket.HeadObject(bg, &s3.HeadObjectInput{Key: &key})
	if err != nil {
		panic(err) // the test has put it
	}
	return out.Metadata
}

func (b *bucket) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	out, err := b.Bucket.PutObject(ctx, in)
	if err == nil && b.version != nil {
		out.VersionId = b.version
	}
	return out, err
}

func (b *bucket) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	b.heads.Add(1)
	return b.Bucket.HeadObject(ctx, in)
}

func (b *bucket) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	b.lists++
	if b.pages > 0 {
		in.MaxKeys = aws.Int32(min(aws.ToInt32(in.MaxKeys), b.pages))
	}
	return b.Bucket.ListObjectVersions(ctx, in)
}
