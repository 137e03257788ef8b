package demo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

func byStatus(r observe.Rows) map[domain.FailureStatus]int {
	by := map[domain.FailureStatus]int{}
	for _, f := range r.Failures {
		by[f.Status]++
	}
	return by
}

// versions counts what the event log holds, with the rule by which the product reads it.
func (d *demo) versions(ctx context.Context) (int, error) {
	resources := map[string]bool{}
	for _, e := range append(d.bad(), d.events...) {
		resources[e.Listing] = true
	}
	log := eventlog.New(d.Bucket, d.EventLogBucket)
	n := 0
	for id := range resources {
		for _, err := range log.Versions(ctx, id, "") {
			if err != nil {
				return 0, err
			}
			n++
		}
	}
	return n, nil
}

func (d *demo) objects(ctx context.Context, prefix string) (int, error) {
	n := 0
	pages := s3.NewListObjectsV2Paginator(d.Bucket, &s3.ListObjectsV2Input{Bucket: &d.EventLogBucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("list %s: %w", prefix, err)
		}
		n += len(page.Contents)
	}
	return n, nil
}

// received takes the messages out of a subscriber's queue, and returns the attributes of each publication once, and how
// many messages repeated one. A subscriber tells them apart by the execution and the replay.
func (d *demo) received(ctx context.Context, url string) (all []map[string]string, repeated int, err error) {
	seen := map[[3]string]bool{}
	err = d.Receive(ctx, url, func(m observe.Message) error {
		if publication := [3]string{m.Attributes["execution"], m.Attributes["replayId"], m.Attributes["target"]}; seen[publication] {
			repeated++
		} else {
			seen[publication] = true
			all = append(all, m.Attributes)
		}
		return nil
	})
	return all, repeated, err
}
