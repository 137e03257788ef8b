package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func (r *ReplayableIngestion) addStorage(props *ReplayableIngestionProps, s *settings) {
	r.EventLog, r.Topic = props.EventLog, props.Topic
	if r.EventLog == nil {
		r.EventLog = r.newEventLog(s)
	} else if isNil(r.EventLog.Node().DefaultChild()) {
		warn(r, "EventLogVersioning", "EventLog is imported, so it cannot be checked from here that it is versioned: without "+
			"versioning, S3 keeps one event for each resource, and replays find no others")
	}
	if r.Topic == nil {
		r.Topic = r.newTopic(s)
	}
	r.Ledger = r.newLedger(s)
}

func (r *ReplayableIngestion) newEventLog(s *settings) awss3.IBucket {
	encryption, bucketKey := awss3.BucketEncryption_S3_MANAGED, (*bool)(nil)
	if s.encryptionKey != nil {
		// With a bucket key, S3 asks KMS once in a while instead of once per object.
		encryption, bucketKey = awss3.BucketEncryption_KMS, jsii.Bool(true)
	}
	return awss3.NewBucket(r, jsii.String("EventLog"), &awss3.BucketProps{
		Versioned:         jsii.Bool(true),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption:        encryption,
		EncryptionKey:     s.encryptionKey,
		BucketKeyEnabled:  bucketKey,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		RemovalPolicy:     s.dataRemoval,
		LifecycleRules:    s.retention.lifecycleRules(),
	})
}

// newLedger creates a table of one Region, as everything it describes is: queues, executions and the bucket. Without a
// key it is encrypted with one that AWS owns, as every table is that asks for nothing else.
func (r *ReplayableIngestion) newLedger(s *settings) awsdynamodb.ITable {
	encryption := awsdynamodb.TableEncryption("")
	if s.encryptionKey != nil {
		encryption = awsdynamodb.TableEncryption_CUSTOMER_MANAGED
	}
	table := awsdynamodb.NewTable(r, jsii.String("Ledger"), &awsdynamodb.TableProps{
		PartitionKey:        stringAttribute(schema.PartitionKey),
		SortKey:             stringAttribute(schema.SortKey),
		TimeToLiveAttribute: jsii.String(schema.TTL),
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		RemovalPolicy: s.dataRemoval,
		Encryption:    encryption,
		EncryptionKey: s.encryptionKey,
	})
	for _, index := range schema.Indexes() {
		table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
			IndexName:      jsii.String(index.Name),
			PartitionKey:   stringAttribute(index.PartitionKey),
			SortKey:        stringAttribute(index.SortKey),
			ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
		})
	}
	return table
}

func stringAttribute(name string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
}
