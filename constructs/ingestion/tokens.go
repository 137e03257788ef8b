package ingestion

import "github.com/aws/jsii-runtime-go"

// What CDK has said once is kept: each question is a call to its process, and the statements and settings below ask for
// the same names of the same parts two hundred times.

func (r *ReplayableIngestion) machineARN() *string {
	return r.kept("machine", r.StateMachine.StateMachineArn)
}

func (r *ReplayableIngestion) seriesARN() *string {
	return r.kept("series", r.SeriesMachine.StateMachineArn)
}

func (r *ReplayableIngestion) bucketName() *string { return r.kept("bucket", r.EventLog.BucketName) }

func (r *ReplayableIngestion) bucketARN() *string { return r.kept("bucket ARN", r.EventLog.BucketArn) }

// objectsARN names every object below a prefix, such as "events/".
func (r *ReplayableIngestion) objectsARN(prefix string) *string {
	return jsii.String(*r.bucketARN() + "/" + prefix + "*")
}

func (r *ReplayableIngestion) tableName() *string { return r.kept("table", r.Ledger.TableName) }

func (r *ReplayableIngestion) tableARN() *string { return r.kept("table ARN", r.Ledger.TableArn) }

func (r *ReplayableIngestion) topicARN() *string { return r.kept("topic", r.Topic.TopicArn) }

func (r *ReplayableIngestion) replayQueueURL() *string {
	return r.kept("replay queue", r.ReplayQueue.QueueUrl)
}

func (r *ReplayableIngestion) replayQueueARN() *string {
	return r.kept("replay queue ARN", r.ReplayQueue.QueueArn)
}

// kept asks for a token, or a name, once.
func (r *ReplayableIngestion) kept(name string, ask func() *string) *string {
	if r.tokens[name] == nil {
		r.tokens[name] = ask()
	}
	return r.tokens[name]
}
