package doctor_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

const (
	account = "111122223333"
	machine = "arn:aws:states:eu-west-1:" + account + ":stateMachine:importer"
	series  = "arn:aws:states:eu-west-1:" + account + ":stateMachine:series"
	key     = "arn:aws:kms:eu-west-1:" + account + ":key/k-1"
)

func queueURL(name string) string {
	return "https://sqs.eu-west-1.amazonaws.com/" + account + "/" + name
}
func queueARN(name string) string { return "arn:aws:sqs:eu-west-1:" + account + ":" + name }

// ingestion is what the manifest of a stack says.
func ingestion() config.Manifest {
	return config.Manifest{
		Path: "shop/Orders", Stack: "shop", Region: "eu-west-1",
		StateMachineARN: machine, SeriesMachineARN: series, EventLogBucket: "log", LedgerTable: "ledger",
		TopicARN:           "arn:aws:sns:eu-west-1:" + account + ":topic",
		DeadLetterQueueURL: queueURL("dead"), OutcomesQueueURL: queueURL("outcomes"), ReplayQueueURL: queueURL("replays"),
		Functions: map[string]string{"Record": "record", "Publish": "publish", "Tracker": "tracker", "ReplayListener": "listener", "AutoReplay": "auto"},
		Schedule:  "schedule", Rules: map[string]string{
			"Failure": "failures", "FailureWithoutError": "failures-without-error",
			"Outcome": "outcomes-rule", "OutcomeWithoutError": "outcomes-without-error",
		},
		Alarms: map[string]string{"Unaccounted": "unaccounted"},
	}
}

func queue(attributes map[string]string) answer {
	all := map[string]string{
		"ApproximateNumberOfMessages": "0", "MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true",
		"Policy": `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*"},` +
			`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["sqs:SendMessage","sqs:GetQueueUrl"]}]}`,
		"RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN("dead") + `","maxReceiveCount":100}`,
	}
	for name, value := range attributes {
		all[name] = value
	}
	return answer{body: object("Attributes", all)}
}

func object(name string, value any) string {
	b, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		panic(err) // maps of texts
	}
	return string(b)
}

func rule(state, arn string, statuses ...string) answer {
	pattern, err := json.Marshal(map[string]any{"source": []string{"aws.states"}, "detail": map[string]any{"stateMachineArn": []string{arn}, "status": statuses}})
	if err != nil {
		panic(err) // maps of texts
	}
	return answer{body: fmt.Sprintf(`{"State":%q,"EventPattern":%q}`, state, pattern)}
}

func targets(arn string) answer { return answer{body: `{"Targets":[{"Id":"T","Arn":"` + arn + `"}]}`} }

func mapping(state, source, types string) answer {
	return answer{body: fmt.Sprintf(`{"EventSourceMappings":[{"UUID":"u-1","State":%q,"EventSourceArn":%q,"FunctionResponseTypes":[%s]}]}`, state, source, types)}
}

const itemFailures = `"ReportBatchItemFailures"`

func stateMachine(status, definition, logs string, traced bool) answer {
	return answer{body: fmt.Sprintf(`{"status":%q,"type":"STANDARD","definition":%q,"loggingConfiguration":{"level":%q},"tracingConfiguration":{"enabled":%t}}`,
		status, definition, logs, traced)}
}

func definition(start, record, publish string) string {
	return fmt.Sprintf(`{"StartAt":%q,"States":{"Record":{"Resource":"arn:aws:lambda:eu-west-1:1:function:%s"},"Publish":{"Resource":"arn:aws:lambda:eu-west-1:1:function:%s"}}}`,
		start, record, publish)
}

func function(fields string) answer {
	return answer{body: `{"State":"Active","LastUpdateStatus":"Successful","Runtime":"provided.al2023","Architectures":["arm64"],` +
		`"TracingConfig":{"Mode":"Active"},"LoggingConfig":{"LogGroup":"logs"}` + fields + `}`}
}

func table(status, indexStatus string, indexes ...schema.Index) answer {
	all := []map[string]any{}
	for _, i := range indexes {
		all = append(all, map[string]any{"IndexName": i.Name, "IndexStatus": indexStatus, "KeySchema": []map[string]string{
			{"AttributeName": i.PartitionKey, "KeyType": "HASH"}, {"AttributeName": i.SortKey, "KeyType": "RANGE"},
		}})
	}
	return answer{body: object("Table", map[string]any{"TableStatus": status, "GlobalSecondaryIndexes": all})}
}

func points(statistic string, values ...float64) answer {
	var list cbor.List
	for i, v := range values {
		list = append(list, cbor.Map{statistic: cbor.Float64(v), "Timestamp": &cbor.Tag{ID: 1, Value: cbor.Float64(1_700_000_000 + 60*i)}})
	}
	return answer{metrics: cbor.Map{"Datapoints": list}}
}

func alarm(state string, actions ...cbor.Value) answer {
	return answer{metrics: cbor.Map{"MetricAlarms": cbor.List{cbor.Map{
		"AlarmName": cbor.String("unaccounted"), "StateValue": cbor.String(state), "StateReason": cbor.String("3 events"),
		"ActionsEnabled": cbor.Bool(true), "AlarmActions": append(cbor.List{}, actions...),
	}}}}
}

func query(action, body string) answer {
	return answer{body: "<" + action + "Response><" + action + "Result>" + body + "</" + action + "Result></" + action + "Response>"}
}

func lifecycle(rules string) answer {
	return answer{body: "<LifecycleConfiguration>" + rules + "</LifecycleConfiguration>"}
}

const (
	expiresReplaced = `<Rule><ID>old</ID><Status>Enabled</Status><Filter><Prefix>events/</Prefix></Filter>` +
		`<NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays></NoncurrentVersionExpiration></Rule>`
	expiresOutputs = `<Rule><ID>outputs</ID><Status>Enabled</Status><Filter><Prefix>outputs/</Prefix></Filter><Expiration><Days>30</Days></Expiration></Rule>`
)

func publicAccess(policy string) answer {
	return answer{body: "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>" +
		"<BlockPublicPolicy>" + policy + "</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"}
}

func encryption(with string) answer {
	return answer{body: "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>" + with +
		"</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"}
}

// healthy is what AWS answers about an ingestion that has nothing.
func healthy() map[string]answer {
	all := map[string]answer{
		"GetCallerIdentity": query("GetCallerIdentity", "<Arn>arn:aws:iam::"+account+":user/ada</Arn><Account>"+account+"</Account>"),
		"DescribeStacks":    stackStatus("UPDATE_COMPLETE"),

		"DescribeStateMachine importer": stateMachine("ACTIVE", definition("Record", "record", "publish"), "ERROR", true),
		"DescribeStateMachine series":   stateMachine("ACTIVE", "{}", "ERROR", true),

		"DescribeRule failures":               rule("ENABLED", machine, "FAILED", "TIMED_OUT"),
		"DescribeRule outcomes-rule":          rule("ENABLED", machine, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"),
		"DescribeRule failures-without-error": rule("ENABLED", machine, "FAILED", "TIMED_OUT"),
		"DescribeRule outcomes-without-error": rule("ENABLED", machine, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"),
		"GetQueueAttributes dead":             queue(nil),
		"GetQueueAttributes outcomes":         queue(nil),
		"GetQueueAttributes replays":          queue(nil),
		"ListEventSourceMappings tracker":     mapping("Enabled", queueARN("outcomes"), itemFailures), "ListEventSourceMappings listener": mapping("Enabled", queueARN("replays"), itemFailures),
		"GetSchedule": schedule("ENABLED", "auto"),

		"GetMetricStatistics": answer{metrics: cbor.Map{"Datapoints": cbor.List{cbor.Map{
			"Sum": cbor.Float64(0), "Maximum": cbor.Float64(0), "Timestamp": &cbor.Tag{ID: 1, Value: cbor.Float64(float64(time.Now().Unix()))},
		}}}},
		"DescribeAlarms": alarm("OK", cbor.String("arn:aws:sns:eu-west-1:1:pager")),

		"GetBucket versioning":        versioning("Enabled"),
		"GetBucket publicAccessBlock": publicAccess("true"),
		"GetBucket encryption":        encryption("<SSEAlgorithm>AES256</SSEAlgorithm>"),
		"GetBucket lifecycle":         lifecycle(expiresReplaced + expiresOutputs),

		"DescribeTable":             table("ACTIVE", "ACTIVE", schema.Indexes()...),
		"DescribeContinuousBackups": {body: `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"ENABLED"}}}`},
		"DescribeTimeToLive":        {body: `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"expiresAt"}}`},

		"GetTopicAttributes": subscriptions("2"),
		"DescribeKey":        {body: `{"KeyMetadata":{"KeyId":"k-1","KeyState":"Enabled"}}`},

		"API GET /replays": {body: `{"replays":[]}`}, "API GET /failures": {body: `{"failures":[]}`},
		"API GET /failures/groups": {body: `{"groups":[]}`}, "API GET /failures/jobs": {body: `{"jobs":[]}`},
		"API GET /failures/jobs/00000000000000000000000000": {code: "-", status: 404}, "API POST /failures/close": {code: "-", status: 400}, "API POST /failures/reopen": {code: "-", status: 400},
		"API POST /replays": {code: "-"}, "API POST /versions": {code: "-", status: 400}, "API GET /versions": {code: "-", status: 404}, "API GET /versions/none": {code: "-", status: 404},
		"API GET /replays/00000000000000000000000000":         {code: "-", status: 404},
		"API GET /replays/00000000000000000000000000/items":   {code: "-", status: 404},
		"API POST /replays/00000000000000000000000000/cancel": {code: "-", status: 404},
		"API PATCH /replays/00000000000000000000000000":       {code: "-", status: 404},
		"API POST /replays/00000000000000000000000000/pause":  {code: "-", status: 404},
		"API POST /replays/00000000000000000000000000/resume": {code: "-", status: 404},
		"API GET /controls":   {body: `{"replays":{},"autoReplay":{}}`},
		"API PATCH /controls": {code: "-", status: 400},
		"API GET /replays/00000000000000000000000000/evidence": {code: "-", status: 404},
		"API GET /resources": {body: `{"resources":[]}`}, "API GET /executions": {body: `{"executions":[]}`},
	}
	for rule, to := range map[string]string{
		"failures": "dead", "failures-without-error": "dead", "outcomes-rule": "outcomes", "outcomes-without-error": "outcomes",
	} {
		all["ListTargetsByRule "+rule] = targets(queueARN(to))
	}
	for _, name := range ingestion().Functions {
		all["GetFunction configuration "+name] = function("")
		all["GetFunction concurrency "+name] = answer{body: `{}`}
	}
	return all
}

func stackStatus(s string) answer {
	return query("DescribeStacks", "<Stacks><member><StackName>shop</StackName><CreationTime>2026-11-24T00:00:00Z</CreationTime><StackStatus>"+s+"</StackStatus></member></Stacks>")
}

func schedule(state, function string) answer {
	return answer{body: fmt.Sprintf(`{"State":%q,"ScheduleExpression":"rate(5 minutes)","Target":{"Arn":"arn:aws:lambda:eu-west-1:1:function:%s"}}`, state, function)}
}

func versioning(status string) answer {
	return answer{body: "<VersioningConfiguration><Status>" + status + "</Status></VersioningConfiguration>"}
}

func subscriptions(n string) answer {
	return query("GetTopicAttributes", "<Attributes><entry><key>SubscriptionsConfirmed</key><value>"+n+"</value></entry></Attributes>")
}
