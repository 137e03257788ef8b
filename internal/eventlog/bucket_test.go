package eventlog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucket answers as a versioned bucket does, with pages as small as a test wants. The end-to-end tests run the log
// against a served bucket; this one lets a test lay down any history.
type bucket struct {
	objects []object // in order of writing
	pages   int      // most versions per page; 0: as asked for
	version *string  // what every PutObject answers instead of a version id
	heads   atomic.Int32
	lists   int
}

type object struct {
	key, id string
	body    []byte
	meta    map[string]string
	at      time.Time
	deleted bool
}

func (b *bucket) add(key, body string, meta Meta, at time.Time) string {
	id := fmt.Sprintf("v%d", len(b.objects))
	b.objects = append(b.objects, object{key: key, id: id, body: []byte(body), meta: meta.encode(), at: at.Truncate(time.Second)})
	return id
}

func (b *bucket) remove(key string, at time.Time) {
	b.objects = append(b.objects, object{key: key, id: fmt.Sprintf("v%d", len(b.objects)), at: at.Truncate(time.Second), deleted: true})
}

func (b *bucket) find(key, id string) *object {
	for i := len(b.objects) - 1; i >= 0; i-- {
		if o := &b.objects[i]; o.key == key && (id == "" || o.id == id) {
			return o
		}
	}
	return nil
}

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	id := b.add(*in.Key, string(body), Meta{}, time.Now())
	b.objects[len(b.objects)-1].meta = in.Metadata
	if b.version != nil {
		return &s3.PutObjectOutput{VersionId: b.version}, nil
	}
	return &s3.PutObjectOutput{VersionId: &id}, nil
}

func (b *bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	o := b.find(*in.Key, aws.ToString(in.VersionId))
	if o == nil || o.deleted {
		return nil, &types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(o.body))}, nil
}

func (b *bucket) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	b.heads.Add(1)
	o := b.find(*in.Key, aws.ToString(in.VersionId))
	if o == nil || o.deleted {
		return nil, &types.NotFound{}
	}
	return &s3.HeadObjectOutput{Metadata: o.meta, VersionId: &o.id, LastModified: &o.at, ContentLength: aws.Int64(int64(len(o.body)))}, nil
}

// ListObjectVersions lists keys in order and each key's versions newest first, as S3 does.
func (b *bucket) ListObjectVersions(_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	b.lists++
	all := slices.Clone(b.objects)
	slices.Reverse(all)
	slices.SortStableFunc(all, func(x, y object) int { return strings.Compare(x.key, y.key) })
	all = slices.DeleteFunc(all, func(o object) bool { return !strings.HasPrefix(o.key, aws.ToString(in.Prefix)) })
	if in.KeyMarker != nil && in.VersionIdMarker == nil {
		all = slices.DeleteFunc(all, func(o object) bool { return o.key <= *in.KeyMarker })
	} else if in.KeyMarker != nil {
		at := slices.IndexFunc(all, func(o object) bool { return o.key == *in.KeyMarker && o.id == aws.ToString(in.VersionIdMarker) })
		all = all[at+1:]
	}
	out := &s3.ListObjectVersionsOutput{}
	limit := int(aws.ToInt32(in.MaxKeys))
	if b.pages > 0 {
		limit = min(limit, b.pages)
	}
	if len(all) > limit {
		out.IsTruncated = aws.Bool(true)
		all = all[:limit]
		out.NextKeyMarker, out.NextVersionIdMarker = &all[limit-1].key, &all[limit-1].id
	}
	for i := range all {
		o := &all[i]
		latest := b.find(o.key, "").id == o.id
		if o.deleted {
			out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{Key: &o.key, VersionId: &o.id, LastModified: &o.at, IsLatest: &latest})
			continue
		}
		out.Versions = append(out.Versions, types.ObjectVersion{
			Key: &o.key, VersionId: &o.id, LastModified: &o.at, IsLatest: &latest, Size: aws.Int64(int64(len(o.body))),
		})
	}
	return out, nil
}

// ListObjectsV2 lists the newest versions in key order, without deleted ones.
func (b *bucket) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	newest := map[string]bool{}
	for _, o := range b.objects {
		newest[o.key] = !o.deleted
	}
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false)}
	for _, key := range slices.Sorted(maps.Keys(newest)) {
		if !newest[key] || !strings.HasPrefix(key, *in.Prefix) || key <= aws.ToString(in.StartAfter) {
			continue
		}
		if len(out.Contents) == int(*in.MaxKeys) {
			out.IsTruncated = aws.Bool(true)
			break
		}
		out.Contents = append(out.Contents, types.Object{Key: aws.String(key)})
	}
	return out, nil
}
