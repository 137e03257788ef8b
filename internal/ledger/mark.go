package ledger

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Mark is the row of a walk that goes on from run to run: where the run before left off.
type Mark struct {
	keys
	Name    string `dynamodbav:"name"`
	Active  bool   `dynamodbav:"active,omitempty"` // of a walk that somebody has to ask for: it is under way
	Token   string `dynamodbav:"token,omitempty"`  // empty: at the beginning
	TakenAt Stamp  `dynamodbav:"takenAt"`
	Count   int    `dynamodbav:"count,omitempty"` // of what was seen so far
}

func markKey(name string) (pk, sk string) { return "M#" + name, "M" }

// Mark returns a mark, or ErrNotFound.
func (l *Ledger) Mark(ctx context.Context, name string) (Mark, error) {
	var m Mark
	pk, sk := markKey(name)
	err := l.get(ctx, pk, sk, &m)
	return m, err
}

// SaveMark writes a mark over the one before, unless that was taken later: the holder of a lease may outlive it.
func (l *Ledger) SaveMark(ctx context.Context, m Mark) error {
	m.keys = keys{}
	m.PK, m.SK = markKey(m.Name)
	row, err := marshal(m)
	if err != nil {
		return err
	}
	cond := "attribute_not_exists(#t) OR #t <= :t"
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.table, Item: row, ConditionExpression: &cond,
		ExpressionAttributeNames:  map[string]string{"#t": "takenAt"},
		ExpressionAttributeValues: item{":t": str(m.TakenAt.String())},
	})
	return ignoreConflict(conflict(err, nil, "save mark "+m.Name))
}

// Unaccounted returns those of some ended executions that the ledger does not account for yet: failed ones without a
// failure row of that run, and others whose row says something else.
func (l *Ledger) Unaccounted(ctx context.Context, ended []Ended) ([]Ended, error) {
	partitions := make([]string, len(ended))
	for i, e := range ended {
		partitions[i] = FailurePartition(e.Name, e.RedriveCount)
	}
	rows, err := l.Failures(ctx, partitions)
	if err != nil {
		return nil, err
	}
	failures := make(map[string]bool, len(rows))
	for _, f := range rows {
		failures[f.PK] = true
	}
	var rest []Ended
	for _, e := range ended {
		failed := e.Status == Failed || e.Status == TimedOut
		if !failed || !failures[FailurePartition(e.Name, e.RedriveCount)] {
			rest = append(rest, e)
		}
	}
	return l.unsettled(ctx, rest)
}

// unsettled leaves out executions that were stopped, and whose row says so.
func (l *Ledger) unsettled(ctx context.Context, ended []Ended) ([]Ended, error) {
	wanted := make([]item, len(ended))
	for i, e := range ended {
		wanted[i] = key(executionKey(e.Name))
	}
	rows, err := fetched[Execution](ctx, l, wanted)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]Execution, len(rows))
	for _, row := range rows {
		byName[row.Name] = row
	}
	var rest []Ended
	for _, e := range ended {
		row := byName[e.Name]
		if e.Status != Aborted || row.Status != Aborted || row.RedriveCount < e.RedriveCount {
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// MissingExecutions returns which of some executions have no row.
func (l *Ledger) MissingExecutions(ctx context.Context, names []string) (map[string]bool, error) {
	missing := make(map[string]bool, len(names))
	var wanted []item
	for _, n := range names {
		if !missing[n] {
			missing[n] = true
			wanted = append(wanted, key(executionKey(n)))
		}
	}
	rows, err := fetched[Execution](ctx, l, wanted)
	for _, row := range rows {
		delete(missing, row.Name)
	}
	return missing, err
}
