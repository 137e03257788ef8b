package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func (e *exam) ledgerChecks() []check {
	return []check{one("ledger.table", e.table), one("ledger.recovery", e.recovery), one("ledger.ttl", e.ttl)}
}

func (e *exam) table(ctx context.Context, v *verdict) {
	out, err := e.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &e.at.LedgerTable})
	if err != nil {
		e.cannot(v, "table "+e.at.LedgerTable, "dynamodb:DescribeTable", err)
		return
	}
	switch t := out.Table; t.TableStatus {
	case ddbtypes.TableStatusActive:
		v.says("active")
	case ddbtypes.TableStatusUpdating:
		v.warns("wait, and look again", "it is being updated")
	default:
		v.fails("open the table in the console, which says why", "its status is %s", t.TableStatus)
	}
	if k := out.Table.SSEDescription; k != nil {
		e.usesKey(k.KMSMasterKeyArn)
	}
	for _, want := range schema.Indexes() {
		i := slices.IndexFunc(out.Table.GlobalSecondaryIndexes, func(g ddbtypes.GlobalSecondaryIndexDescription) bool {
			return aws.ToString(g.IndexName) == want.Name
		})
		if i < 0 {
			v.fails("deploy the stack again", "it has no index %s", want.Name)
			continue
		}
		g := out.Table.GlobalSecondaryIndexes[i]
		if g.IndexStatus != "" && g.IndexStatus != ddbtypes.IndexStatusActive {
			v.warns("wait, and look again", "index %s is %s", want.Name, strings.ToLower(string(g.IndexStatus)))
		}
		keys := map[ddbtypes.KeyType]string{}
		for _, k := range g.KeySchema {
			keys[k.KeyType] = aws.ToString(k.AttributeName)
		}
		if keys[ddbtypes.KeyTypeHash] != want.PartitionKey || keys[ddbtypes.KeyTypeRange] != want.SortKey {
			v.fails("deploy the stack again", "index %s has keys %s and %s, want %s and %s", want.Name,
				keys[ddbtypes.KeyTypeHash], keys[ddbtypes.KeyTypeRange], want.PartitionKey, want.SortKey)
		}
	}
	v.says("%d indexes", len(out.Table.GlobalSecondaryIndexes))
}

func (e *exam) recovery(ctx context.Context, v *verdict) {
	out, err := e.tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &e.at.LedgerTable})
	if err != nil {
		e.cannot(v, "the backups of "+e.at.LedgerTable, "dynamodb:DescribeContinuousBackups", err)
		return
	}
	b := out.ContinuousBackupsDescription
	if b != nil && b.PointInTimeRecoveryDescription != nil &&
		b.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == ddbtypes.PointInTimeRecoveryStatusEnabled {
		v.says("point-in-time recovery is on")
		return
	}
	v.fails("`aws dynamodb update-continuous-backups --table-name "+e.at.LedgerTable+
		" --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`", "point-in-time recovery is off: rows that are lost cannot be restored")
}

func (e *exam) ttl(ctx context.Context, v *verdict) {
	out, err := e.tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &e.at.LedgerTable})
	if err != nil {
		e.cannot(v, "the time to live of "+e.at.LedgerTable, "dynamodb:DescribeTimeToLive", err)
		return
	}
	t := out.TimeToLiveDescription
	if t != nil && (t.TimeToLiveStatus == ddbtypes.TimeToLiveStatusEnabled || t.TimeToLiveStatus == ddbtypes.TimeToLiveStatusEnabling) &&
		aws.ToString(t.AttributeName) == schema.TTL {
		v.says("on, by %s", schema.TTL)
		return
	}
	v.warns("`aws dynamodb update-time-to-live --table-name "+e.at.LedgerTable+" --time-to-live-specification Enabled=true,AttributeName="+schema.TTL+"`",
		"time to live by %s is off: rows of bookkeeping stay", schema.TTL)
}
