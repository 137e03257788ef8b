package eventlog

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// listCalls bounds the calls for one page of Resources. A page may then be short or empty although others follow.
const listCalls = 10

// Resources returns a page of the resources of the log in the order of their keys, at most limit, and the cursor of the
// next page, empty after the last. Deleted resources are left out. With a window, resources that cannot have a version
// recorded in it are left out as well. S3 lists only the time at which it stored a version, so some of the others may
// have none either.
func (l *Log) Resources(ctx context.Context, w *replay.Window, cursor string, limit int) (ids []string, next string, err error) {
	if w != nil {
		return l.resourcesIn(ctx, *w, cursor, limit)
	}
	for range listCalls {
		in := &s3.ListObjectsV2Input{
			Bucket: &l.bucket, Prefix: aws.String(schema.EventsPrefix), MaxKeys: aws.Int32(int32(min(limit-len(ids), nextPages))), //nolint:gosec // bounded above
			EncodingType: types.EncodingTypeUrl,
		}
		if cursor != "" {
			in.StartAfter = &cursor
		}
		page, err := l.api.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, "", fmt.Errorf("list resources: %w", err)
		}
		var others others
		for _, o := range page.Contents {
			cursor = decodeKey(o.Key, page.EncodingType)
			if id, ok := resourceOf(cursor); ok {
				ids = append(ids, id)
			} else {
				others.add(cursor)
			}
		}
		l.skipped(ctx, others)
		if !aws.ToBool(page.IsTruncated) {
			return ids, "", nil
		}
		if len(ids) == limit {
			break
		}
	}
	return ids, cursor, nil
}

// listVersions asks S3 to escape the keys of a list, and decodes them. XML cannot hold every key that a user may put by
// hand.
func (l *Log) listVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
	in.EncodingType = types.EncodingTypeUrl
	page, err := l.api.ListObjectVersions(ctx, in)
	if err != nil {
		return nil, err
	}
	for i, v := range page.Versions {
		page.Versions[i].Key = aws.String(decodeKey(v.Key, page.EncodingType))
	}
	for i, m := range page.DeleteMarkers {
		page.DeleteMarkers[i].Key = aws.String(decodeKey(m.Key, page.EncodingType))
	}
	if page.NextKeyMarker != nil {
		page.NextKeyMarker = aws.String(decodeKey(page.NextKeyMarker, page.EncodingType))
	}
	return page, nil
}

// decodeKey undoes the escapes of a list, if S3 reports an encoding.
func decodeKey(key *string, encoding types.EncodingType) string {
	if encoding == types.EncodingTypeUrl {
		if plain, err := url.QueryUnescape(aws.ToString(key)); err == nil {
			return plain
		}
	}
	return aws.ToString(key)
}

// others are objects under events/ that are not events of this log.
type others struct {
	n     int
	first string
}

func (o *others) add(key string) {
	if o.n++; o.n == 1 {
		o.first = key
	}
}

// skipped logs in one line which objects of a page are not events of this log.
func (l *Log) skipped(ctx context.Context, o others) {
	if o.n > 0 {
		l.logger.WarnContext(ctx, "objects that are not events skipped", "objects", o.n, "firstKey", o.first)
	}
}

// resourceOf reads the id from a key. An object with another kind of key is not a resource.
func resourceOf(key string) (string, bool) {
	id, err := url.PathUnescape(strings.TrimPrefix(key, schema.EventsPrefix))
	if err != nil {
		return "", false
	}
	same, err := replay.EventKey(id)
	return id, err == nil && same == key
}

// resourcesIn lists versions. The cursor is the last key with a matching version, and the position in S3's list: a key
// and a version.
func (l *Log) resourcesIn(ctx context.Context, w replay.Window, cursor string, limit int) (ids []string, next string, err error) {
	in := &s3.ListObjectVersionsInput{
		Bucket: &l.bucket, Prefix: aws.String(schema.EventsPrefix), MaxKeys: aws.Int32(nextPages),
	}
	at := split(cursor, 3)
	done := at[0]
	in.KeyMarker, in.VersionIdMarker = marker(at[1]), marker(at[2])
	for range listCalls {
		page, err := l.listVersions(ctx, in)
		if err != nil {
			return nil, "", fmt.Errorf("list versions: %w", err)
		}
		var others others
		for _, o := range page.Versions {
			key := aws.ToString(o.Key)
			if key == done || !mayHold(w, aws.ToTime(o.LastModified)) {
				continue
			}
			if len(ids) == limit {
				return ids, join(done, done), nil // S3 continues after the key
			}
			done = key
			if id, ok := resourceOf(key); ok {
				ids = append(ids, id)
			} else {
				others.add(key)
			}
		}
		l.skipped(ctx, others)
		if !aws.ToBool(page.IsTruncated) {
			return ids, "", nil
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	return ids, join(done, aws.ToString(in.KeyMarker), aws.ToString(in.VersionIdMarker)), nil
}

// join makes a cursor of keys and version ids. Keys that were put by hand may have any character.
func join(parts ...string) string {
	for i, p := range parts {
		parts[i] = url.QueryEscape(p) // leaves no spaces
	}
	return strings.Join(parts, " ")
}

// split undoes join. Missing parts are empty.
func split(cursor string, n int) []string {
	parts := make([]string, n)
	for i, p := range strings.SplitN(cursor, " ", n) {
		if plain, err := url.QueryUnescape(p); err == nil {
			parts[i] = plain
		}
	}
	return parts
}

// marker is a part of a cursor in the form that S3 expects.
func marker(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// mayHold reports whether a version that S3 stored at a time may have been recorded in a window. The clock of Record's
// function differs by some seconds from S3's, and its retries may have begun earlier.
func mayHold(w replay.Window, modified time.Time) bool {
	if w.From != nil && modified.Before(w.From.Add(-ClockSkew)) {
		return false
	}
	return w.To == nil || modified.Before(w.To.Add(LateAfter))
}
