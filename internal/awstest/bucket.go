package awstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Bucket is a versioned bucket.
type Bucket struct {
	mu      sync.Mutex
	keys    keys
	objects map[string][]version // newest first
	written int
	Calls   int              // all operations
	Writes  int              // of PutObject
	Now     func() time.Time // the clock of S3
}

type version struct {
	id      string
	body    []byte
	meta    map[string]string
	at      time.Time // in whole seconds
	deleted bool
}

// maxKeyBytes is the longest key that S3 accepts.
const maxKeyBytes = 1024

// NewBucket returns an empty bucket.
func NewBucket() *Bucket {
	return &Bucket{objects: map[string][]version{}, Now: time.Now}
}

func (b *Bucket) lock() func() {
	b.mu.Lock()
	b.Calls++
	return b.mu.Unlock
}

func (b *Bucket) add(key string, v version) string {
	b.written++
	v.id, v.at = fmt.Sprintf("v%06d", b.written), b.Now().UTC().Truncate(time.Second)
	if _, known := b.objects[key]; !known {
		b.keys.add(key)
	}
	b.objects[key] = slices.Insert(b.objects[key], 0, v)
	return v.id
}

// Delete adds a delete marker to an object.
func (b *Bucket) Delete(key string) {
	defer b.lock()()
	b.add(key, version{deleted: true})
}

// Expire removes a version, as a lifecycle rule does.
func (b *Bucket) Expire(key, id string) {
	defer b.lock()()
	b.objects[key] = slices.DeleteFunc(b.objects[key], func(v version) bool { return v.id == id })
}

// PutObject is S3's.
func (b *Bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	defer b.lock()()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	b.Writes++
	if _, err := b.find(in.Key, nil); aws.ToString(in.IfNoneMatch) == "*" && err == nil {
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed", Message: *in.Key}
	}
	if len(*in.Key) > maxKeyBytes {
		return nil, &smithy.GenericAPIError{Code: "KeyTooLongError", Message: *in.Key}
	}
	return &s3.PutObjectOutput{VersionId: aws.String(b.add(*in.Key, version{body: body, meta: in.Metadata}))}, nil
}

func (b *Bucket) find(key, id *string) (version, error) {
	all := b.objects[*key]
	if id == nil {
		if len(all) == 0 || all[0].deleted {
			return version{}, &types.NoSuchKey{Message: key}
		}
		return all[0], nil
	}
	if !strings.HasPrefix(*id, "v") { // not a version id
		return version{}, &smithy.GenericAPIError{Code: "InvalidArgument", Message: *id}
	}
	at := slices.IndexFunc(all, func(v version) bool { return v.id == *id })
	if at < 0 {
		return version{}, &smithy.GenericAPIError{Code: "NoSuchVersion", Message: *id}
	}
	if all[at].deleted {
		return version{}, &smithy.GenericAPIError{Code: "MethodNotAllowed", Message: *id}
	}
	return all[at], nil
}

// GetObject is S3's.
func (b *Bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	defer b.lock()()
	v, err := b.find(in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(v.body)), Metadata: v.meta, VersionId: &v.id}, nil
}

// HeadObject is S3's.
func (b *Bucket) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	defer b.lock()()
	v, err := b.find(in.Key, in.VersionId)
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "InvalidArgument" { // the response to a HEAD has no body, only the status 400
		return nil, &smithy.GenericAPIError{Code: "BadRequest"}
	}
	if err != nil {
		return nil, &types.NotFound{Message: in.Key}
	}
	return &s3.HeadObjectOutput{
		Metadata: v.meta, VersionId: &v.id, LastModified: &v.at, ContentLength: aws.Int64(int64(len(v.body))),
	}, nil
}

// ListObjectVersions is S3's: by key, and newest first for each key.
func (b *Bucket) ListObjectVersions(_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	defer b.lock()()
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(false)}
	most, n := int(aws.ToInt32(in.MaxKeys)), 0
	marker, after := aws.ToString(in.KeyMarker), aws.ToString(in.VersionIdMarker)
	lastKey, lastID := "", ""
	for key := range b.keys.from(max(aws.ToString(in.Prefix), marker)) {
		if !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			break
		}
		all := b.objects[key]
		from := 0
		if key == marker {
			if after == "" {
				continue
			}
			from = slices.IndexFunc(all, func(v version) bool { return v.id == after }) + 1
		}
		for j, v := range all[from:] {
			if n == most {
				out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = aws.Bool(true), &lastKey, &lastID
				return out, nil
			}
			n++
			lastKey, lastID = key, v.id
			latest := from+j == 0
			if v.deleted {
				out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
					Key: &key, VersionId: &v.id, LastModified: &v.at, IsLatest: &latest,
				})
				continue
			}
			out.Versions = append(out.Versions, types.ObjectVersion{
				Key: &key, VersionId: &v.id, LastModified: &v.at, IsLatest: &latest, Size: aws.Int64(int64(len(v.body))),
			})
		}
	}
	return out, nil
}

// ListObjectsV2 is S3's.
func (b *Bucket) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	defer b.lock()()
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false)}
	for key := range b.keys.from(max(aws.ToString(in.Prefix), aws.ToString(in.StartAfter))) {
		if !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			break
		}
		if len(b.objects[key]) == 0 {
			continue
		}
		v := b.objects[key][0]
		if key == aws.ToString(in.StartAfter) || v.deleted {
			continue
		}
		if len(out.Contents) == int(aws.ToInt32(in.MaxKeys)) {
			out.IsTruncated = aws.Bool(true)
			break
		}
		out.Contents = append(out.Contents, types.Object{Key: &key, LastModified: &v.at, Size: aws.Int64(int64(len(v.body)))})
	}
	return out, nil
}

// Versions counts the versions of an object, delete markers included.
func (b *Bucket) Versions(key string) int {
	defer b.lock()()
	return len(b.objects[key])
}
