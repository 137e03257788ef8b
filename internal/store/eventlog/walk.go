package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Entry is a version of any resource.
type Entry struct {
	ResourceID string
	Version
}

// walkers is the number of versions described at the same time.
const walkers = 16

// Walk returns a page of all versions in the log with their metadata, resource by resource and newest first, and the
// cursor of the next page, empty after the last. The first page has an empty cursor. Delete markers, and objects that
// are not events of this log, are left out. A page may therefore be short or empty although others follow.
func (l *Log) Walk(ctx context.Context, cursor string, limit int) ([]Entry, string, error) {
	in := &s3.ListObjectVersionsInput{
		Bucket: &l.bucket, Prefix: aws.String(schema.EventsPrefix), MaxKeys: aws.Int32(int32(min(limit, nextPages))), //nolint:gosec // bounded above
	}
	at := split(cursor, 2)
	in.KeyMarker, in.VersionIdMarker = marker(at[0]), marker(at[1])
	page, err := l.listVersions(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("walk versions: %w", err)
	}
	found := make([]Entry, len(page.Versions))
	var group errgroup.Group
	group.SetLimit(walkers)
	var others others
	for i, o := range page.Versions {
		key := aws.ToString(o.Key)
		id, ok := resourceOf(key)
		if !ok {
			others.add(key)
			continue
		}
		group.Go(func() error {
			v := Version{ID: aws.ToString(o.VersionId), Modified: aws.ToTime(o.LastModified), Size: aws.ToInt64(o.Size)}
			if err := l.describe(ctx, key, &v); errors.Is(err, ErrNotFound) {
				return nil // expired between the list and now
			} else if err != nil {
				return err
			}
			found[i] = Entry{ResourceID: id, Version: v}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, "", err
	}
	var entries []Entry
	for _, e := range found {
		switch {
		case e.Execution != "":
			entries = append(entries, e)
		case e.ID != "":
			others.add(schema.EventsPrefix + e.ResourceID)
		}
	}
	l.skipped(ctx, others)
	if !aws.ToBool(page.IsTruncated) {
		return entries, "", nil
	}
	return entries, join(aws.ToString(page.NextKeyMarker), aws.ToString(page.NextVersionIdMarker)), nil
}

// Stored returns when a document outside of the histories was stored. It returns ErrNotFound if there is none.
func (l *Log) Stored(ctx context.Context, key string) (time.Time, error) {
	out, err := l.headObject(ctx, key, nil)
	if err != nil {
		return time.Time{}, err
	}
	return aws.ToTime(out.LastModified), nil
}
