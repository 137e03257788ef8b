package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucket is a versioned bucket in memory, as far as the API uses one.
type bucket struct {
	objects map[string][]object // oldest first
	writes  int
}

type object struct {
	id       string
	body     []byte
	metadata map[string]string
}

var written = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	if len(*in.Key) > 1024 {
		return nil, code("KeyTooLongError")
	}
	b.writes++
	id := fmt.Sprintf("v%d", len(b.objects[*in.Key]))
	b.objects[*in.Key] = append(b.objects[*in.Key], object{id, body, in.Metadata})
	return &s3.PutObjectOutput{VersionId: &id}, nil
}

// find returns an object as it was, or the code that S3 has for one that is not there.
func (b *bucket) find(key string, version *string) (object, error) {
	all := b.objects[key]
	if version == nil {
		if len(all) == 0 {
			return object{}, &types.NoSuchKey{}
		}
		return all[len(all)-1], nil
	}
	if !strings.HasPrefix(*version, "v") {
		return object{}, code("InvalidArgument")
	}
	i := slices.IndexFunc(all, func(o object) bool { return o.id == *version })
	if i < 0 {
		return object{}, code("NoSuchVersion")
	}
	return all[i], nil
}

func (b *bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	o, err := b.find(*in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(o.body))}, nil
}

func (b *bucket) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	o, err := b.find(*in.Key, in.VersionId)
	return &s3.HeadObjectOutput{Metadata: o.metadata}, err
}

func (b *bucket) ListObjectVersions(_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	all := slices.Clone(b.objects[*in.Prefix])
	slices.Reverse(all)
	if in.VersionIdMarker != nil {
		if _, err := b.find(*in.Prefix, in.VersionIdMarker); err != nil {
			return nil, code("InvalidArgument")
		}
		i := slices.IndexFunc(all, func(o object) bool { return o.id == *in.VersionIdMarker })
		all = all[i+1:]
	}
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(len(all) > int(*in.MaxKeys))}
	for _, o := range all[:min(len(all), int(*in.MaxKeys))] {
		out.Versions = append(out.Versions, types.ObjectVersion{
			Key: in.Prefix, VersionId: &o.id, Size: aws.Int64(int64(len(o.body))), LastModified: aws.Time(written),
		})
		out.NextKeyMarker, out.NextVersionIdMarker = in.Prefix, &o.id
	}
	return out, nil
}

func (b *bucket) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	panic("the API never lists resources")
}
