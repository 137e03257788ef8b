package eventlog

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// listCalls bounds the calls of one page of Resources, which may then be short, or empty, although others follow.
const listCalls = 10

// Resources returns a page of the resources of the log in the order of their keys, at most limit, and the cursor of the
// next page, empty after the last. Deleted ones are left out. With a window, those that can have no version recorded in
// it are left out as well; since S3 lists the time at which it took a version, some of those that stay may have none.
func (l *Log) Resources(ctx context.Context, w *replay.Window, cursor string, limit int) (ids []string, next string, err error) {
	if w != nil {
		return l.resourcesIn(ctx, *w, cursor, limit)
	}
	for range listCalls {
		in := &s3.ListObjectsV2Input{
			Bucket: &l.bucket, Prefix: aws.String(schema.EventsPrefix), MaxKeys: aws.Int32(int32(min(limit-len(ids), nextPages))), //nolint:gosec // bounded above
		}
		if cursor != "" {
			in.StartAfter = &cursor
		}
		page, err := l.api.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, "", fmt.Errorf("list resources: %w", err)
		}
		for _, o := range page.Contents {
			cursor = aws.ToString(o.Key)
			if id, ok := resourceOf(cursor); ok {
				ids = append(ids, id)
			}
		}
		if !aws.ToBool(page.IsTruncated) {
			return ids, "", nil
		}
		if len(ids) == limit {
			break
		}
	}
	return ids, cursor, nil
}

// resourceOf reads the id out of a key; what somebody else put there is no resource.
func resourceOf(key string) (string, bool) {
	id, err := url.PathUnescape(strings.TrimPrefix(key, schema.EventsPrefix))
	if err != nil {
		return "", false
	}
	same, err := replay.EventKey(id)
	return id, err == nil && same == key
}

// recordDelay is how much later than it was recorded S3 may have taken an event: Record's function has 30 seconds.
const recordDelay = time.Minute

// resourcesIn lists versions. The cursor is the last key of which a version matched, and where S3's list goes on: a key
// and a version, none of which has a space.
func (l *Log) resourcesIn(ctx context.Context, w replay.Window, cursor string, limit int) (ids []string, next string, err error) {
	in := &s3.ListObjectVersionsInput{
		Bucket: &l.bucket, Prefix: aws.String(schema.EventsPrefix), MaxKeys: aws.Int32(nextPages),
	}
	done, marker, _ := strings.Cut(cursor, " ")
	if key, version, _ := strings.Cut(marker, " "); key != "" {
		in.KeyMarker = &key
		if version != "" {
			in.VersionIdMarker = &version
		}
	}
	for range listCalls {
		page, err := l.api.ListObjectVersions(ctx, in)
		if err != nil {
			return nil, "", fmt.Errorf("list versions: %w", err)
		}
		for _, o := range page.Versions {
			key := aws.ToString(o.Key)
			if key == done || !mayHold(w, aws.ToTime(o.LastModified)) {
				continue
			}
			if len(ids) == limit {
				return ids, done + " " + done, nil // S3 goes on behind the key
			}
			done = key
			if id, ok := resourceOf(key); ok {
				ids = append(ids, id)
			}
		}
		if !aws.ToBool(page.IsTruncated) {
			return ids, "", nil
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	return ids, strings.TrimSuffix(done+" "+aws.ToString(in.KeyMarker)+" "+aws.ToString(in.VersionIdMarker), " "), nil
}

func mayHold(w replay.Window, modified time.Time) bool {
	if w.From != nil && modified.Before(w.From.Truncate(time.Second)) {
		return false
	}
	return w.To == nil || modified.Before(w.To.Add(recordDelay))
}
