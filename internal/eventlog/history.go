package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Version is one event of a resource's history.
type Version struct {
	ID       string
	Modified time.Time // when S3 took it, in whole seconds
	Size     int64     // in bytes
	Deleted  bool      // a delete marker: no event, and no metadata
	Meta
}

// At returns when an event was recorded. One that somebody put by hand has no metadata: then when S3 took it.
func (v Version) At() time.Time {
	if v.RecordedAt.IsZero() {
		return v.Modified
	}
	return v.RecordedAt
}

// clockSkew is how far the clocks of Step Functions and S3 may differ, and the second that S3 rounds down to.
const clockSkew = 15 * time.Second

// Versions yields a resource's history, newest first, from after the version with the id `after` (all of it when
// empty). An unknown resource has none. It reads page by page and holds only the versions among which a second one of
// the same execution may be.
func (l *Log) Versions(ctx context.Context, resourceID, after string) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		key, err := replay.EventKey(resourceID)
		if err != nil {
			yield(Version{}, err)
			return
		}
		next, stop := iter.Pull2(l.raw(ctx, key, after))
		defer stop()
		h := history{next: next}
		for {
			v, ok, err := h.pop()
			if err != nil {
				yield(Version{}, err)
				return
			}
			if !ok || !yield(v, nil) {
				return
			}
		}
	}
}

// history drops from a list of versions, newest first, those of which an older one names the same execution.
type history struct {
	next  func() (Version, error, bool)
	ahead []Version // read, not yet given out
	done  bool
}

func (h *history) pop() (Version, bool, error) {
	for {
		if err := h.fill(1); err != nil || len(h.ahead) == 0 {
			return Version{}, false, err
		}
		v := h.ahead[0]
		older, err := h.olderOf(v)
		if err != nil {
			return Version{}, false, err
		}
		h.ahead = h.ahead[1:]
		if !older {
			return v, true, nil
		}
	}
}

// olderOf reports whether an older version names the same execution as v, the first of ahead. It reads back to the
// start of that execution, which in the usual case is no version at all.
func (h *history) olderOf(v Version) (bool, error) {
	if v.Execution == "" {
		return false, nil
	}
	for i := 1; ; i++ {
		if err := h.fill(i + 1); err != nil {
			return false, err
		}
		if i >= len(h.ahead) || h.ahead[i].Modified.Before(v.StartedAt.Add(-clockSkew)) {
			return false, nil
		}
		if h.ahead[i].Execution == v.Execution {
			return true, nil
		}
	}
}

// fill reads until n versions are ahead or the list ends.
func (h *history) fill(n int) error {
	for len(h.ahead) < n && !h.done {
		v, err, ok := h.next()
		if err != nil {
			return err
		}
		if !ok {
			h.done = true
			return nil
		}
		h.ahead = append(h.ahead, v)
	}
	return nil
}

// firstPage is small, since most callers want the newest version only; the rest of a long history comes in pages of
// the most that S3 gives.
const (
	firstPage = 10
	nextPages = 1000
)

// raw yields every version of exactly one key, newest first, each with its metadata.
func (l *Log) raw(ctx context.Context, key, after string) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		in := &s3.ListObjectVersionsInput{Bucket: &l.bucket, Prefix: &key, MaxKeys: aws.Int32(firstPage)}
		if after != "" {
			in.KeyMarker, in.VersionIdMarker = &key, &after
		}
		for {
			page, err := l.api.ListObjectVersions(ctx, in)
			if err != nil {
				yield(Version{}, fmt.Errorf("list versions of %s: %w", key, err))
				return
			}
			versions, past := exactly(key, page)
			for _, v := range versions {
				if err := l.describe(ctx, key, &v); errors.Is(err, ErrNotFound) {
					continue // expired between the list and now
				} else if err != nil {
					yield(Version{}, err)
					return
				}
				if !yield(v, nil) {
					return
				}
			}
			if past || !aws.ToBool(page.IsTruncated) {
				return
			}
			in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
			in.MaxKeys = aws.Int32(nextPages)
		}
	}
}

func (l *Log) describe(ctx context.Context, key string, v *Version) (err error) {
	if v.Deleted {
		return nil
	}
	v.Meta, _, err = l.head(ctx, key, v.ID)
	return err
}

// exactly merges the versions and delete markers of one key in the order of the list, newest first. S3 lists by
// prefix, in key order, so that keys of which this one is a prefix follow: past tells that they began.
func exactly(key string, page *s3.ListObjectVersionsOutput) (versions []Version, past bool) {
	markers := make([]Version, 0, len(page.DeleteMarkers))
	for _, m := range page.DeleteMarkers {
		if aws.ToString(m.Key) != key {
			past = true
			continue
		}
		markers = append(markers, Version{ID: aws.ToString(m.VersionId), Modified: aws.ToTime(m.LastModified), Deleted: true})
		if aws.ToBool(m.IsLatest) { // sorts before versions of the same second
			versions, markers = append(versions, markers[len(markers)-1]), markers[:len(markers)-1]
		}
	}
	for _, o := range page.Versions {
		if aws.ToString(o.Key) != key {
			past = true
			continue
		}
		v := Version{ID: aws.ToString(o.VersionId), Modified: aws.ToTime(o.LastModified), Size: aws.ToInt64(o.Size)}
		for len(markers) > 0 && markers[0].Modified.After(v.Modified) {
			versions, markers = append(versions, markers[0]), markers[1:]
		}
		versions = append(versions, v)
	}
	return append(versions, markers...), past
}

// Latest returns a resource's newest version. It returns ErrNotFound for a resource that the log does not know and
// ErrDeleted for one whose object was deleted.
func (l *Log) Latest(ctx context.Context, resourceID string) (Version, error) {
	for v, err := range l.Versions(ctx, resourceID, "") {
		if err != nil {
			return Version{}, err
		}
		if v.Deleted {
			return Version{}, fmt.Errorf("resource %q: %w", resourceID, ErrDeleted)
		}
		return v, nil
	}
	return Version{}, fmt.Errorf("resource %q: %w", resourceID, ErrNotFound)
}

// Newest returns a resource's newest version, be it a second one of its execution; its size is not filled in. It costs a
// twelfth of a list. It returns ErrNotFound for a resource that the log does not know and for one whose object was deleted.
func (l *Log) Newest(ctx context.Context, resourceID string) (Version, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return Version{}, err
	}
	out, err := l.headObject(ctx, key, nil)
	if err != nil {
		return Version{}, err
	}
	return Version{ID: aws.ToString(out.VersionId), Modified: aws.ToTime(out.LastModified), Meta: decodeMeta(out.Metadata)}, nil
}

// Version returns one version of a resource with its metadata; its size is not filled in. It returns ErrNotFound if
// there is none.
func (l *Log) Version(ctx context.Context, resourceID, versionID string) (Version, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return Version{}, err
	}
	meta, modified, err := l.head(ctx, key, versionID)
	return Version{ID: versionID, Modified: modified, Meta: meta}, err
}

// Newer yields the versions of a resource that are newer than one of them, newest first, without delete markers. It
// yields ErrNotFound if the resource has no such version.
func (l *Log) Newer(ctx context.Context, resourceID, versionID string) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		given, err := l.Version(ctx, resourceID, versionID)
		if err != nil {
			yield(Version{}, err)
			return
		}
		for v, err := range l.Versions(ctx, resourceID, "") {
			// The given id may be that of a second version, which the history leaves out.
			if err == nil && (v.ID == versionID || v.Execution != "" && v.Execution == given.Execution) {
				return
			}
			if err == nil && v.Deleted {
				continue
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// FindExecution returns the version that an execution recorded, the oldest if there are several, and ErrNotFound if
// there is none. startedAt is when the execution started: older versions are not looked at.
func (l *Log) FindExecution(ctx context.Context, resourceID, execution string, startedAt time.Time) (Version, error) {
	for v, err := range l.Versions(ctx, resourceID, "") {
		if err != nil {
			return Version{}, err
		}
		if v.Modified.Before(startedAt.Add(-clockSkew)) {
			break
		}
		if v.Execution == execution {
			return v, nil
		}
	}
	return Version{}, fmt.Errorf("version of execution %q: %w", execution, ErrNotFound)
}
