package observe

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Rows are the rows of the ledger.
type Rows struct {
	Executions map[string]domain.Execution // by name
	Failures   map[string]domain.Failure   // by partition key
	Replays    map[string]domain.Replay    // by id
	Items      map[string][]domain.Item    // by replay
	Owned      map[Owned]bool
}

// Owned says that an owner had a resource.
type Owned struct{ Owner, Resource string }

// Rows reads the whole table, so use it only for a demo or a test.
func (s *System) Rows(ctx context.Context) (Rows, error) {
	all := Rows{
		Executions: map[string]domain.Execution{}, Failures: map[string]domain.Failure{}, Replays: map[string]domain.Replay{},
		Items: map[string][]domain.Item{}, Owned: map[Owned]bool{},
	}
	pages := dynamodb.NewScanPaginator(s.Table, &dynamodb.ScanInput{TableName: &s.LedgerTable, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, fmt.Errorf("read ledger: %w", err)
		}
		for _, row := range page.Items {
			if err := all.add(row); err != nil {
				return all, fmt.Errorf("read ledger: %w", err)
			}
		}
	}
	return all, nil
}

// add stores a row of the table by its keys.
func (r *Rows) add(row map[string]types.AttributeValue) error {
	var key struct {
		PK string `dynamodbav:"pk"`
		SK string `dynamodbav:"sk"`
	}
	if err := attributevalue.UnmarshalMap(row, &key); err != nil {
		return err
	}
	var e domain.Execution
	var failure domain.Failure
	var replay domain.Replay
	var item domain.Item
	var err error
	switch kind, rest, _ := strings.Cut(key.PK, "#"); {
	case kind == "X":
		err = ledger.Decode(row, &e)
		r.Executions[e.Name] = e
	case kind == "F":
		err = ledger.Decode(row, &failure)
		r.Failures[key.PK] = failure
	case kind == "O":
		r.Owned[Owned{rest[:max(0, strings.LastIndex(rest, "#"))], key.SK}] = true
	case kind == "P" && strings.HasPrefix(key.SK, "I#"):
		err = ledger.Decode(row, &item)
		r.Items[item.ReplayID] = append(r.Items[item.ReplayID], item)
	case kind == "P" && !strings.Contains(rest, "#"):
		err = ledger.Decode(row, &replay)
		r.Replays[replay.ID] = replay
	}
	if err != nil {
		return fmt.Errorf("row %s: %w", key.PK, err)
	}
	return nil
}
