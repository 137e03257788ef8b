package chaos

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

// readBucket lists every version of every event without the product's help, then what the product shows of them.
func (r *run) readBucket(ctx context.Context, f *Facts) error {
	f.Versions, f.History, f.Objects = map[string][]Version{}, map[string][]string{}, map[string]bool{}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	var mu sync.Mutex
	pages := s3.NewListObjectVersionsPaginator(r.Bucket, &s3.ListObjectVersionsInput{Bucket: &r.stack.EventLogBucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list versions: %w", err)
		}
		for _, o := range page.Versions {
			key := *o.Key
			id, isEvent := strings.CutPrefix(key, schema.EventsPrefix)
			if !isEvent {
				f.Objects[key] = true
				continue
			}
			resource, err := url.PathUnescape(id)
			if err != nil {
				return fmt.Errorf("read key %s: %w", key, err)
			}
			mu.Lock()
			at := len(f.Versions[resource])
			f.Versions[resource] = append(f.Versions[resource], Version{ID: *o.VersionId, Modified: *o.LastModified})
			mu.Unlock()
			group.Go(func() error {
				meta, err := r.metadata(gctx, key, *o.VersionId)
				mu.Lock()
				defer mu.Unlock()
				v := &f.Versions[resource][at]
				v.Execution, v.Owner, v.Started, v.First = meta.Execution, meta.Owner, meta.Started, meta.First
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return r.readHistory(ctx, f)
}

// metadata reads what Record keeps beside an event.
func (r *run) metadata(ctx context.Context, key, version string) (v Version, err error) {
	out, err := r.Bucket.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &r.stack.EventLogBucket, Key: &key, VersionId: &version})
	if err != nil {
		return v, fmt.Errorf("head %s: %w", key, err)
	}
	if v.Execution, err = url.PathUnescape(out.Metadata["execution"]); err != nil {
		return v, fmt.Errorf("metadata of %s: %w", key, err)
	}
	if v.Owner, err = url.PathUnescape(out.Metadata["owner"]); err != nil {
		return v, fmt.Errorf("metadata of %s: %w", key, err)
	}
	if v.Started, err = time.Parse(time.RFC3339Nano, out.Metadata["started-at"]); err != nil {
		return v, fmt.Errorf("metadata of %s: %w", key, err)
	}
	if first, late := out.Metadata["first-started-at"]; late {
		if v.First, err = time.Parse(time.RFC3339Nano, first); err != nil {
			return v, fmt.Errorf("metadata of %s: %w", key, err)
		}
	}
	return v, nil
}

// readHistory asks the product's reader.
func (r *run) readHistory(ctx context.Context, f *Facts) error {
	log := eventlog.New(r.Bucket, r.stack.EventLogBucket)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	var mu sync.Mutex
	for resource, all := range f.Versions {
		if len(all) == 1 {
			mu.Lock()
			f.History[resource] = []string{all[0].ID} // nothing to tell apart
			mu.Unlock()
			continue
		}
		group.Go(func() error {
			var ids []string
			for v, err := range log.Versions(ctx, resource, "") {
				if err != nil {
					return err
				}
				if !v.Deleted {
					ids = append(ids, v.ID)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			f.History[resource] = ids
			return nil
		})
	}
	return group.Wait()
}
