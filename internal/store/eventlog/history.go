package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Version is one event of a resource's history.
type Version struct {
	ID       string
	Modified time.Time // when S3 stored it, in whole seconds
	Size     int64     // in bytes
	Deleted  bool      // a delete marker, which has no event and no metadata
	Meta

	place time.Time // of a delete marker: after all that S3 stored before it
}

// At returns when an event was recorded. For an object that was put by hand, without metadata, it returns when S3
// stored it.
func (v Version) At() time.Time {
	if v.RecordedAt.IsZero() {
		return v.Modified
	}
	return v.RecordedAt
}

// Place returns the sort position of an event among those of its resource: when its first execution started, in
// milliseconds. S3 orders events as they reached the log, and a restarted event reaches it after newer ones.
func (v Version) Place() time.Time {
	at := v.At()
	switch {
	case !v.place.IsZero():
		at = v.place
	case !v.FirstStartedAt.IsZero():
		at = v.FirstStartedAt
	case !v.StartedAt.IsZero():
		at = v.StartedAt
	}
	return at.Truncate(time.Millisecond)
}

// LateAfter is how long Record may take, retries included, before an event counts as late.
const LateAfter = time.Minute

// Time returns the time of an event: when it was recorded or, if it reached the log late, when its first execution
// started.
func (v Version) Time() time.Time {
	if at, place := v.At(), v.Place(); at.Sub(place) <= LateAfter {
		return at
	}
	return v.Place()
}

// ClockSkew is how far the clocks of Step Functions, S3, functions and callers may differ. It includes the second to
// which S3 rounds down.
const ClockSkew = 15 * time.Second

// Versions yields a resource's history, newest place first, from a cursor of Page on (all of it when empty). An unknown
// resource has none. It reads page by page, and holds only versions whose place may differ from S3's order.
func (l *Log) Versions(ctx context.Context, resourceID, cursor string) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		h, stop, err := l.history(ctx, resourceID, cursor)
		if err != nil {
			yield(Version{}, err)
			return
		}
		defer stop()
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

// Page returns at most limit versions of a resource's history, newest place first, and the cursor of the next page,
// empty after the last. It returns ErrCursor for a cursor that it did not return.
func (l *Log) Page(ctx context.Context, resourceID, cursor string, limit int) (found []Version, next string, err error) {
	next, err = l.Search(ctx, resourceID, cursor, limit, func(v Version) bool {
		found = append(found, v)
		return true
	})
	return found, next, err
}

// Search calls more with at most limit versions of a resource's history, newest place first, from a cursor on (empty:
// from the newest), until more returns false. If it stops at the limit, it returns the cursor of the next versions. It
// returns ErrCursor for a cursor that it did not return.
func (l *Log) Search(
	ctx context.Context, resourceID, cursor string, limit int, more func(Version) bool,
) (next string, err error) {
	h, stop, err := l.history(ctx, resourceID, cursor)
	if err != nil {
		return "", err
	}
	defer stop()
	for range limit {
		v, ok, err := h.pop()
		if cursor != "" && errs.HasCode(err, "InvalidArgument") { // S3 does not know this version id
			return "", fmt.Errorf("versions after %q: %w", cursor, ErrCursor)
		}
		if err != nil || !ok || !more(v) {
			return "", err
		}
	}
	follow, err := h.more()
	if err != nil || !follow {
		return "", err
	}
	return h.cursor(), nil
}

// ErrCursor means that a cursor is not one that the log returned.
var ErrCursor = errors.New("unknown cursor")

// raw yields every version of exactly one key in S3's order, newest first, from after a version (all when empty), each
// with its metadata. Versions that S3 stored after until are only listed, and left out, unless until is zero. The
// metadata of a long history is read in parallel, ahead of the caller.
func (l *Log) raw(ctx context.Context, key, after string, until time.Time) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		in := &s3.ListObjectVersionsInput{Bucket: &l.bucket, Prefix: &key, MaxKeys: aws.Int32(firstPage)}
		if after != "" {
			in.KeyMarker, in.VersionIdMarker = &key, &after
		}
		ahead := 1
		for {
			page, err := l.listVersions(ctx, in)
			if err != nil {
				yield(Version{}, fmt.Errorf("list versions of %s: %w", key, err))
				return
			}
			versions, past := exactly(key, page)
			if !until.IsZero() {
				versions = slices.DeleteFunc(versions, func(v Version) bool { return v.Modified.After(until) })
			}
			for some := range slices.Chunk(versions, ahead) {
				described, err := l.describeAll(ctx, key, some)
				for _, v := range described {
					if !yield(v, nil) {
						return
					}
				}
				if err != nil {
					yield(Version{}, err)
					return
				}
			}
			if past || !aws.ToBool(page.IsTruncated) {
				return
			}
			in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
			in.MaxKeys, ahead = aws.Int32(nextPages), walkers
		}
	}
}

// firstPage is small, because most callers want only the newest version. The rest of a long history comes in pages of
// the maximum size.
const (
	firstPage = 10
	nextPages = 1000
)

// describeAll adds the metadata of versions. Versions that expired since they were listed are left out.
func (l *Log) describeAll(ctx context.Context, key string, versions []Version) ([]Version, error) {
	faults := make([]error, len(versions))
	var group errgroup.Group
	for i := range versions {
		group.Go(func() error {
			faults[i] = l.describe(ctx, key, &versions[i])
			return nil // kept at its index: the versions before an error are still valid
		})
	}
	_ = group.Wait() // no function above returns an error
	var described []Version
	for i, err := range faults {
		switch {
		case err == nil:
			described = append(described, versions[i])
		case !errors.Is(err, ErrNotFound):
			return described, err
		}
	}
	return described, nil
}

func (l *Log) describe(ctx context.Context, key string, v *Version) (err error) {
	if v.Deleted {
		return nil
	}
	out, err := l.headObject(ctx, key, &v.ID)
	if err == nil {
		v.Meta = decodeMeta(out.Metadata)
	}
	return err
}

// exactly merges the versions and delete markers of one key in the order of the list, newest first. S3 lists by prefix,
// in key order, so longer keys that begin with this key follow. past is true when they begin.
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

// Newest returns the version that S3 stored last. That may not be the newest by place, if it reached the log late, and
// it may be a second version of its execution. A call costs a twelfth of a list. It returns ErrNotFound if the log does
// not know the resource, and if its object was deleted.
func (l *Log) Newest(ctx context.Context, resourceID string) (Version, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return Version{}, err
	}
	out, err := l.headObject(ctx, key, nil)
	if err != nil {
		return Version{}, err
	}
	return headed(aws.ToString(out.VersionId), out), nil
}

// DeletedAt returns when a resource's object was deleted, in whole seconds. It returns zero if the version that S3
// stored last is an event, or if there is none.
func (l *Log) DeletedAt(ctx context.Context, resourceID string) (time.Time, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return time.Time{}, err
	}
	page, err := l.listVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &l.bucket, Prefix: &key, MaxKeys: aws.Int32(1)})
	if err != nil {
		return time.Time{}, fmt.Errorf("list versions of %s: %w", key, err)
	}
	if versions, _ := exactly(key, page); len(versions) > 0 && versions[0].Deleted {
		return versions[0].Modified, nil
	}
	return time.Time{}, nil
}

// DeletedSince reports whether a resource's object was deleted after an event came, within the accuracy of clocks. An
// event that came within seconds of the deletion counts as deleted.
func (l *Log) DeletedSince(ctx context.Context, resourceID string, place time.Time) (bool, error) {
	if _, err := l.Newest(ctx, resourceID); !errors.Is(err, ErrNotFound) { // a twelfth of a list
		return false, err
	}
	at, err := l.DeletedAt(ctx, resourceID)
	return err == nil && !at.IsZero() && !at.Before(place.Add(-ClockSkew)), err
}

// Version returns one version of a resource with its metadata. It returns ErrNotFound if there is none.
func (l *Log) Version(ctx context.Context, resourceID, versionID string) (Version, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return Version{}, err
	}
	return l.version(ctx, key, versionID)
}

func (l *Log) version(ctx context.Context, key, versionID string) (Version, error) {
	out, err := l.headObject(ctx, key, &versionID)
	if err != nil {
		return Version{ID: versionID}, err
	}
	return headed(versionID, out), nil
}

func headed(id string, out *s3.HeadObjectOutput) Version {
	return Version{
		ID: id, Modified: aws.ToTime(out.LastModified), Size: aws.ToInt64(out.ContentLength), Meta: decodeMeta(out.Metadata),
	}
}
