package ledger

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

const (
	jobSort         = "J"
	jobPartPrefix   = "J#"
	jobsPartition   = "JOBS"
	maxPartsOfAJob  = Shards
	maxRowsOfAJob   = 1 + maxPartsOfAJob
	jobRowAttribute = "select" // of a job; a part does not have it
)

func jobPartition(id string) string { return "J#" + id }

// Add inserts a job. If there is one with its id, it returns that job with ErrConflict.
func (l *FailureJobs) Add(ctx context.Context, j domain.FailureJob) (domain.FailureJob, error) {
	var existing domain.FailureJob
	k := keys{PK: jobPartition(j.ID), SK: jobSort, GPK: jobsPartition, GSK: j.ID}
	if err := l.insert(ctx, k, j, &existing); err != nil {
		return existing, err
	}
	return j, nil
}

// Get returns a job with the parts that have begun, or ErrNotFound.
func (l *FailureJobs) Get(ctx context.Context, id string) (j domain.FailureJob, parts []domain.FailureJobPart, err error) {
	rows, _, err := l.find(ctx, tableRange(jobPartition(id), "", maxRowsOfAJob))
	if err != nil {
		return j, nil, err
	}
	for _, row := range rows {
		if row[jobRowAttribute] != nil {
			err = Decode(row, &j)
		} else {
			parts = append(parts, domain.FailureJobPart{})
			err = Decode(row, &parts[len(parts)-1])
		}
		if err != nil {
			return j, nil, err
		}
	}
	if j.ID == "" {
		return j, nil, fmt.Errorf("job %s: %w", id, ErrNotFound)
	}
	return j, parts, nil
}

// List returns a page of jobs, newest first, and the cursor of the next page.
func (l *FailureJobs) List(ctx context.Context, cursor string, limit int) (jobs []domain.FailureJob, next string, err error) {
	jobs, more, err := query[domain.FailureJob](ctx, l.table, span{
		index: &schema.ByGroup, partition: jobsPartition, after: cursor, newest: true, limit: limit,
	})
	if err == nil && more && len(jobs) > 0 {
		next = jobs[len(jobs)-1].ID
	}
	return jobs, next, err
}

// MaxJobMoves is how many failures a job may change at once: a transaction has at most 100 rows, one of them the
// part's.
const MaxJobMoves = 99

// Advance saves the progress of a part of a job and moves failures, in one transaction. It returns ErrConflict, and
// changes nothing, if the part or a failure is not as it was read.
func (l *FailureJobs) Advance(
	ctx context.Context, j domain.FailureJob, p domain.FailureJobPart, failures []domain.Failure,
) error {
	c := newChange(jobPartition(j.ID), jobPartPrefix+strconv.Itoa(p.Number)).
		Set("number", num(p.Number)).Set("cursor", str(p.Cursor)).Set("count", num(p.Count)).Set("done", flag(p.Done)).
		Set("revision", num(p.Revision+1))
	if p.Revision == 0 {
		c.If("attribute_not_exists({revision})")
	} else {
		c.If("{revision} = ?", num(p.Revision))
	}
	writes := []types.TransactWriteItem{c.transact(l.name)}
	moved := make([]domain.Failure, len(failures))
	for i, f := range failures {
		var c *change
		c, moved[i] = l.moveOf(f, j.Move())
		if !f.ChangedAt.IsZero() { // zero in rows of an earlier release
			c.If("{changedAt} = ?", str(f.ChangedAt.String()))
		}
		writes = append(writes, c.transact(l.name))
	}
	if err := l.transact(ctx, "advance job "+j.ID, writes); err != nil {
		return err
	}
	for i, f := range failures {
		l.countMove(f.Status, moved[i])
	}
	return nil
}
