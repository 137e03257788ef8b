package doctor_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/doctor"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// patient is an ingestion in a cloud.
func patient(c *cloud) doctor.Patient {
	creds := credentials.NewStaticCredentialsProvider("a", "b", "")
	now := func() time.Time { return c.now }
	clock := &doctor.Clock{Now: now}
	at := ingestion()
	at.APIURL = c.url + "/v1"
	return doctor.Patient{
		Ingestion: at, Clock: clock, Timeout: 5 * time.Second,
		AWS: aws.Config{Region: at.Region, BaseEndpoint: &c.url, Credentials: creds, RetryMaxAttempts: 1},
		API: connect(client.Config{BaseURL: at.APIURL, Region: at.Region, Credentials: creds, Transport: clock, Attempts: 1}),
	}
}

func connect(cfg client.Config) *client.Client {
	api, err := client.New(cfg)
	if err != nil {
		panic(err) // of this file
	}
	return api
}

func of(t *testing.T, found []doctor.Finding, check string) doctor.Finding {
	t.Helper()
	for _, f := range found {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("there is no check %s", check)
	return doctor.Finding{}
}

func TestAHealthyIngestionPassesEveryCheck(t *testing.T) {
	c := newCloud(t, time.Now())
	c.answers["GetMetricStatistics"] = points("Sum", 1, 0, 2)
	found := doctor.Examine(t.Context(), patient(c), []string{"schedule.runs"})
	seen := map[string]bool{}
	for _, f := range found {
		if seen[f.Check] {
			t.Errorf("%s comes twice", f.Check)
		}
		seen[f.Check] = true
		if f.Status != doctor.Pass && f.Check != "key" {
			t.Errorf("%s: got %s, %s", f.Check, f.Status, f.Detail)
		}
		if len(f.Remedy) > 0 || f.Detail == "" {
			t.Errorf("%s: got detail %q and remedy %v of a pass", f.Check, f.Detail, f.Remedy)
		}
	}
	if len(found) != 55 || of(t, found, "key").Status != doctor.Skipped {
		t.Errorf("got %d checks", len(found))
	}
	again := doctor.Examine(t.Context(), patient(c), []string{"schedule.runs"})
	for i := range again {
		if again[i].Check != found[i].Check {
			t.Errorf("check %d is %s, and was %s before: the order changes", i, again[i].Check, found[i].Check)
		}
	}
}

func TestEveryFaultIsFoundAndHasARemedy(t *testing.T) {
	poison := func(to string) answer { return queue(map[string]string{"RedrivePolicy": to}) }
	for _, tt := range []struct {
		name   string
		op     string
		is     answer
		check  string
		status doctor.Status
		detail string
		remedy string
	}{
		{"credentials that AWS does not know", "GetCallerIdentity", answer{code: "InvalidClientTokenId", status: 403}, "caller.identity", doctor.Fail, "does not accept", "--profile"},
		{"credentials of another account", "GetCallerIdentity", query("GetCallerIdentity", "<Arn>arn:x</Arn><Account>4</Account>"), "caller.identity", doctor.Fail, "the ingestion is in account " + account, account},

		{"a stack that is not there", "DescribeStacks", answer{code: "ValidationError"}, "stack", doctor.Fail, "stack shop does not exist", "cdk deploy shop"},
		{"a stack that is being deployed", "DescribeStacks", stackStatus("UPDATE_IN_PROGRESS"), "stack", doctor.Warn, "UPDATE_IN_PROGRESS", "wait"},
		{"a deployment that was undone", "DescribeStacks", stackStatus("UPDATE_ROLLBACK_COMPLETE"), "stack", doctor.Warn, "", "describe-stack-events"},
		{"a deployment that is stuck", "DescribeStacks", stackStatus("UPDATE_ROLLBACK_FAILED"), "stack", doctor.Fail, "", "describe-stack-events"},
		{"stacks that may not be described", "DescribeStacks", answer{code: "AccessDenied", status: 403}, "stack", doctor.Unknown, "access denied", "cloudformation:DescribeStacks"},

		{"a state machine that is being deleted", "DescribeStateMachine importer", stateMachine("DELETING", definition("Record", "record", "publish"), "ERROR", true), "machine.StateMachine", doctor.Fail, "DELETING", "deploy"},
		{"a state machine that is not there", "DescribeStateMachine series", answer{code: "StateMachineDoesNotExist"}, "machine.SeriesMachine", doctor.Fail, "is not there", "detect-stack-drift"},
		{"a workflow that does not record", "DescribeStateMachine importer", stateMachine("ACTIVE", definition("Work", "record", "publish"), "ERROR", true), "machine.StateMachine", doctor.Fail, "events are not kept", "edited by hand"},
		{"a Record that calls something else", "DescribeStateMachine importer", stateMachine("ACTIVE", definition("Record", "other", "publish"), "ERROR", true), "machine.StateMachine", doctor.Fail, "does not call function record", "edited by hand"},
		{"a Publish that calls something else", "DescribeStateMachine importer", stateMachine("ACTIVE", definition("Record", "record", "other"), "ERROR", true), "machine.StateMachine", doctor.Fail, "nothing is published", "edited by hand"},
		{"a workflow that publishes nothing", "DescribeStateMachine importer", stateMachine("ACTIVE", strings.Replace(definition("Record", "record", "publish"), `"Publish"`, `"Other"`, 1), "ERROR", true), "machine.StateMachine", doctor.Warn, "no state Publish", "Succeed"},
		{"a state machine without a log", "DescribeStateMachine importer", stateMachine("ACTIVE", definition("Record", "record", "publish"), "OFF", true), "machine.StateMachine", doctor.Warn, "no log", "deploy"},
		{"a state machine that is not traced", "DescribeStateMachine series", stateMachine("ACTIVE", "{}", "ERROR", false), "machine.SeriesMachine", doctor.Warn, "X-Ray", "deploy"},

		{"a function that failed to start", "GetFunction configuration record", function(`,"State":"Failed","StateReason":"no image"`), "function.Record", doctor.Fail, "no image", "deploy"},
		{"an update of a function that failed", "GetFunction configuration record", function(`,"LastUpdateStatus":"Failed","LastUpdateStatusReason":"too large"`), "function.Record", doctor.Fail, "too large", "deploy"},
		{"a function that is being updated", "GetFunction configuration record", function(`,"LastUpdateStatus":"InProgress"`), "function.Record", doctor.Warn, "being updated", "wait"},
		{"a function that is not traced", "GetFunction configuration record", function(`,"TracingConfig":{"Mode":"PassThrough"}`), "function.Record", doctor.Warn, "X-Ray", "deploy"},
		{"a function that is switched off", "GetFunction concurrency tracker", answer{body: `{"ReservedConcurrentExecutions":0}`}, "function.Tracker", doctor.Fail, "switched off", "delete-function-concurrency --function-name tracker"},
		{"a function that is not there", "GetFunction configuration publish", answer{code: "ResourceNotFoundException", status: 404}, "function.Publish", doctor.Fail, "is not there", "detect-stack-drift"},
		{"functions that may not be described", "GetFunction configuration publish", answer{code: "AccessDeniedException", status: 403}, "function.Publish", doctor.Unknown, "access denied", "lambda:GetFunctionConfiguration"},

		{"a rule that is disabled", "DescribeRule failures", rule("DISABLED", machine, "FAILED", "TIMED_OUT"), "rule.Failure", doctor.Fail, "failures are found late", "enable-rule --name failures"},
		{"a rule for events without an error that is disabled", "DescribeRule outcomes-without-error", rule("DISABLED", machine, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"), "rule.OutcomeWithoutError", doctor.Fail, "such as successes, are found late", "enable-rule --name outcomes-without-error"},
		{"a rule about another state machine", "DescribeRule failures", rule("ENABLED", series, "FAILED", "TIMED_OUT"), "rule.Failure", doctor.Fail, "does not match", "edited by hand"},
		{"a rule that lacks a status", "DescribeRule outcomes-rule", rule("ENABLED", machine, "SUCCEEDED", "FAILED", "TIMED_OUT"), "rule.Outcome", doctor.Fail, "does not match", "edited by hand"},
		{"a rule that sends somewhere else", "ListTargetsByRule failures", targets(queueARN("other")), "rule.Failure", doctor.Fail, "does not send to " + queueARN("dead"), "detect-stack-drift"},
		{"a rule without targets", "ListTargetsByRule failures", answer{body: `{"Targets":[]}`}, "rule.Failure", doctor.Fail, "does not send", "detect-stack-drift"},
		{"a rule that is not there", "DescribeRule outcomes-rule", answer{code: "ResourceNotFoundException"}, "rule.Outcome", doctor.Fail, "is not there", "detect-stack-drift"},

		{"a queue that is not there", "GetQueueAttributes replays", answer{code: "com.amazonaws.sqs#QueueDoesNotExist"}, "queue.Replay", doctor.Fail, "is not there", "detect-stack-drift"},
		{"a queue that keeps its poison", "GetQueueAttributes replays", poison(""), "queue.Replay", doctor.Fail, "poison does not go", "set-queue-attributes"},
		{"poison that goes somewhere else", "GetQueueAttributes outcomes", poison(`{"deadLetterTargetArn":"` + queueARN("other") + `","maxReceiveCount":"5"}`), "queue.Outcomes", doctor.Fail, "poison does not go", queueARN("dead")},
		{"a queue that is not encrypted", "GetQueueAttributes dead", queue(map[string]string{"SqsManagedSseEnabled": "false"}), "queue.DeadLetter", doctor.Fail, "not encrypted", "SqsManagedSseEnabled"},
		{"a queue that forgets early", "GetQueueAttributes dead", queue(map[string]string{"MessageRetentionPeriod": "345600"}), "queue.DeadLetter", doctor.Warn, "96h0m0s", "1209600"},
		{"a queue to which no rule may send", "GetQueueAttributes dead", queue(map[string]string{"Policy": `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*"}]}`}), "queue.DeadLetter", doctor.Fail, "rule failures has no effect", "policy"},

		{"a mapping that is off", "ListEventSourceMappings listener", mapping("Disabled", queueARN("replays"), itemFailures), "mapping.Replay", doctor.Fail, "disabled: the queue is not read", "--uuid u-1 --enabled"},
		{"a mapping that is being switched on", "ListEventSourceMappings listener", mapping("Enabling", queueARN("replays"), itemFailures), "mapping.Replay", doctor.Warn, "Enabling", "wait"},
		{"a mapping without partial answers", "ListEventSourceMappings tracker", mapping("Enabled", queueARN("outcomes"), ""), "mapping.Outcomes", doctor.Fail, "whole batch", "ReportBatchItemFailures"},
		{"a mapping that is not there", "ListEventSourceMappings tracker", mapping("Enabled", queueARN("other"), itemFailures), "mapping.Outcomes", doctor.Fail, "nothing feeds " + queueARN("outcomes"), "detect-stack-drift"},

		{"a schedule that is disabled", "GetSchedule", schedule("DISABLED", "auto"), "schedule.enabled", doctor.Fail, "nothing is replayed automatically", "switch schedule schedule on"},
		{"a schedule that calls something else", "GetSchedule", schedule("ENABLED", "other"), "schedule.enabled", doctor.Fail, "does not call function auto", "edited by hand"},
		{"a schedule that is not there", "GetSchedule", answer{code: "ResourceNotFoundException", status: 404}, "schedule.enabled", doctor.Fail, "is not there", "detect-stack-drift"},
		{"auto-replay that does not run", "GetMetricStatistics", answer{metrics: cbor.Map{"Datapoints": cbor.List{}}}, "schedule.runs", doctor.Warn, "has not run for 15m", "log of function auto"},
		{"auto-replay that fails", "GetMetricStatistics", points("Sum", 1, 2), "schedule.runs", doctor.Warn, "3 of them failed", "log of function auto"},
		{"metrics that may not be read", "GetMetricStatistics", answer{code: "AccessDenied", status: 403}, "schedule.runs", doctor.Unknown, "access denied", "cloudwatch:GetMetricStatistics"},

		{"a log without versions", "GetBucket versioning", versioning(""), "log.versioning", doctor.Fail, "it is off", "put-bucket-versioning --bucket log"},
		{"a log whose versions are suspended", "GetBucket versioning", versioning("Suspended"), "log.versioning", doctor.Fail, "it is suspended", "put-bucket-versioning"},
		{"a log that is not there", "GetBucket versioning", answer{code: "NoSuchBucket", status: 404}, "log.versioning", doctor.Fail, "is not there", "detect-stack-drift"},
		{"a log that may be public", "GetBucket publicAccessBlock", publicAccess("false"), "log.public-access", doctor.Fail, "BlockPublicPolicy is off", "put-public-access-block"},
		{"a log that nothing keeps from being public", "GetBucket publicAccessBlock", answer{code: "NoSuchPublicAccessBlockConfiguration", status: 404}, "log.public-access", doctor.Fail, "not blocked", "put-public-access-block"},
		{"a log that asks for no encryption", "GetBucket encryption", answer{code: "ServerSideEncryptionConfigurationNotFoundError", status: 404}, "log.encryption", doctor.Warn, "no encryption", "deploy"},
		{"a log that nobody cleans up", "GetBucket lifecycle", answer{code: "NoSuchLifecycleConfiguration", status: 404}, "log.lifecycle", doctor.Warn, "never expire", "deploy"},
		{"a lifecycle that may not be read", "GetBucket lifecycle", answer{code: "AccessDenied", status: 403}, "log.lifecycle", doctor.Unknown, "access denied", "s3:GetLifecycleConfiguration"},

		{"a ledger that is not there", "DescribeTable", answer{code: "ResourceNotFoundException"}, "ledger.table", doctor.Fail, "is not there", "detect-stack-drift"},
		{"a ledger whose key is gone", "DescribeTable", table("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "ACTIVE", schema.Indexes()...), "ledger.table", doctor.Fail, "INACCESSIBLE", "console"},
		{"a ledger without an index", "DescribeTable", table("ACTIVE", "ACTIVE", schema.ByResource, schema.ByTime), "ledger.table", doctor.Fail, "no index byGroup", "deploy"},
		{"an index with other keys", "DescribeTable", table("ACTIVE", "ACTIVE", schema.ByResource, schema.ByTime, schema.Index{Name: "byGroup", PartitionKey: "a", SortKey: "b"}), "ledger.table", doctor.Fail, "keys a and b", "deploy"},
		{"an index that is being made", "DescribeTable", table("ACTIVE", "CREATING", schema.Indexes()...), "ledger.table", doctor.Warn, "is creating", "wait"},
		{"a ledger that cannot be restored", "DescribeContinuousBackups", answer{body: `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}`}, "ledger.recovery", doctor.Fail, "off", "update-continuous-backups"},
		{"a ledger that keeps everything", "DescribeTimeToLive", answer{body: `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}`}, "ledger.ttl", doctor.Warn, "off", "update-time-to-live"},

		{"a topic without subscribers", "GetTopicAttributes", subscriptions("0"), "topic", doctor.Warn, "it has no subscriptions", "subscribe"},
		{"a topic that is not there", "GetTopicAttributes", answer{code: "NotFound", status: 404}, "topic", doctor.Fail, "is not there", "detect-stack-drift"},

		{"an alarm that rings", "DescribeAlarms", alarm("ALARM", cbor.String("arn")), "alarm.Unaccounted", doctor.Fail, "in alarm: 3 events", "docs/operations.md#unaccountedalarm"},
		{"an alarm that is not there", "DescribeAlarms", answer{metrics: cbor.Map{"MetricAlarms": cbor.List{}}}, "alarm.Unaccounted", doctor.Fail, "unaccounted is not there", "deploy"},
		{"alarms that tell nobody", "DescribeAlarms", alarm("OK"), "alarm.actions", doctor.Warn, "no alarm has an action", "action"},
		{"alarms that may not be read", "DescribeAlarms", answer{code: "AccessDenied", status: 403}, "alarm.Unaccounted", doctor.Unknown, "access denied", "cloudwatch:DescribeAlarms"},

		{"a call that is not allowed", "API POST /replays", answer{code: "AccessDeniedException", status: 403}, "api.POST /replays", doctor.Fail, "may not call", "GrantReplay"},
		{"a history that may not be read", "API GET /versions", answer{code: "AccessDeniedException", status: 403}, "api.GET /versions", doctor.Fail, "may not call", "GrantReadHistory"},
		{"a signature that is not accepted", "API GET /failures", answer{code: "InvalidSignatureException", status: 403}, "api.GET /failures", doctor.Fail, "InvalidSignatureException", "clock"},
		{"an API that is not there", "API GET /replays", answer{code: "MissingAuthenticationTokenException", status: 403}, "api.GET /replays", doctor.Fail, "no such path", "stage"},
		{"an API in trouble", "API GET /failures", answer{code: "-", status: 503}, "api.GET /failures", doctor.Fail, "503", "log of the ReplayHandler"},
		{"an API that is throttled", "API GET /failures", answer{code: "-", status: 429}, "api.GET /failures", doctor.Warn, "throttled", "try again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, time.Now())
			c.answers[tt.op] = tt.is
			f := of(t, doctor.Examine(t.Context(), patient(c), nil), tt.check)
			if f.Status != tt.status || !strings.Contains(f.Detail, tt.detail) || !strings.Contains(strings.Join(f.Remedy, "\n"), tt.remedy) {
				t.Errorf("got %+v, want %s with %q and %q", f, tt.status, tt.detail, tt.remedy)
			}
		})
	}
}

func rules(rest string) string {
	return `<Rule><ID>mine</ID><Status>Enabled</Status>` + rest + `</Rule>`
}

func TestLifecyclesThatTakeEventsAway(t *testing.T) {
	const expires = "<Expiration><Days>30</Days></Expiration>"
	for _, tt := range []struct {
		name, rule string
		status     doctor.Status
	}{
		{"of every object", "<Filter></Filter>" + expires, doctor.Fail},
		{"of every object, as rules once were", "<Prefix></Prefix>" + expires, doctor.Fail},
		{"of some events", "<Filter><Prefix>events/L</Prefix></Filter>" + expires, doctor.Fail},
		{"of a prefix that events begin with", "<Filter><Prefix>ev</Prefix></Filter>" + expires, doctor.Fail},
		{"of large ones", "<Filter><And><Prefix></Prefix><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter>" + expires, doctor.Fail},
		{"of tagged ones", "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>" + expires, doctor.Pass},
		{"of outputs", "<Filter><Prefix>outputs/</Prefix></Filter>" + expires, doctor.Pass},
		{"markers only", "<Filter></Filter><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>", doctor.Pass},
		{"into an archive", "<Filter></Filter><Transition><Days>1</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition>", doctor.Fail},
		{"replaced ones into an archive", "<Filter></Filter><NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>", doctor.Fail},
		{"into a class that can be read", "<Filter></Filter><Transition><Days>1</Days><StorageClass>GLACIER_IR</StorageClass></Transition>", doctor.Pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, time.Now())
			c.answers["GetBucket lifecycle"] = lifecycle(expiresReplaced + rules(tt.rule))
			f := of(t, doctor.Examine(t.Context(), patient(c), nil), "log.lifecycle")
			if f.Status != tt.status || tt.status == doctor.Fail && !strings.Contains(f.Remedy[0], `"mine"`) {
				t.Errorf("got %+v, want %s", f, tt.status)
			}
		})
	}
	c := newCloud(t, time.Now())
	c.answers["GetBucket lifecycle"] = lifecycle(strings.Replace(rules("<Filter></Filter>"+expires), "Enabled", "Disabled", 1))
	if f := of(t, doctor.Examine(t.Context(), patient(c), nil), "log.lifecycle"); f.Status != doctor.Pass {
		t.Errorf("got %+v of a rule that is off", f)
	}
}

func TestKeysOfYoursAreLookedAtOnce(t *testing.T) {
	for state, status := range map[string]doctor.Status{"Enabled": doctor.Pass, "Disabled": doctor.Fail, "PendingDeletion": doctor.Fail} {
		c := newCloud(t, time.Now())
		c.answers["GetBucket encryption"] = encryption("<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>" + key + "</KMSMasterKeyID>")
		c.answers["GetQueueAttributes dead"] = queue(map[string]string{"KmsMasterKeyId": key})
		c.answers["GetQueueAttributes replays"] = queue(map[string]string{"KmsMasterKeyId": "alias/aws/sqs"})
		c.answers["DescribeKey"] = answer{body: `{"KeyMetadata":{"KeyId":"k-1","KeyState":"` + state + `"}}`}
		found := doctor.Examine(t.Context(), patient(c), nil)
		if f := found[len(found)-1]; f.Check != "key.k-1" || f.Status != status || found[len(found)-2].Check != "alarm.actions" {
			t.Errorf("%s: got %+v", state, f)
		}
	}
}

func TestFailuresThatNobodyTakesIn(t *testing.T) {
	for _, tt := range []struct {
		name   string
		age    answer
		status doctor.Status
	}{
		{"fresh ones", points("Maximum", 2_000, 60), doctor.Pass}, // the newest point counts
		{"old ones", points("Maximum", 60, 901), doctor.Fail},
		{"of an age that is not known", answer{metrics: cbor.Map{"Datapoints": cbor.List{}}}, doctor.Unknown},
		{"of an age that may not be read", answer{code: "AccessDenied", status: 403}, doctor.Unknown},
	} {
		c := newCloud(t, time.Now())
		c.answers["GetQueueAttributes dead"] = queue(map[string]string{"ApproximateNumberOfMessages": "7"})
		c.answers["GetMetricStatistics"] = tt.age
		f := of(t, doctor.Examine(t.Context(), patient(c), nil), "queue.DeadLetter.age")
		if f.Status != tt.status || !strings.Contains(f.Detail, "7 failures wait") {
			t.Errorf("%s: got %+v, want %s", tt.name, f, tt.status)
		}
	}
}

func TestTheClockOfThisMachine(t *testing.T) {
	for off, status := range map[time.Duration]doctor.Status{
		0: doctor.Pass, 30 * time.Second: doctor.Pass, 2 * time.Minute: doctor.Warn, -2 * time.Minute: doctor.Warn,
		6 * time.Minute: doctor.Fail, -time.Hour: doctor.Fail,
	} {
		c := newCloud(t, time.Now())
		p := patient(c)
		p.Clock.Now = func() time.Time { return c.now.Add(off) }
		if f := of(t, doctor.Examine(t.Context(), p, nil), "caller.clock"); f.Status != status {
			t.Errorf("%s: got %+v, want %s", off, f, status)
		}
	}
}

func TestAnAPIThatDoesNotAnswer(t *testing.T) {
	c := newCloud(t, time.Now())
	p := patient(c)
	p.API = connect(client.Config{
		BaseURL: "http://127.0.0.1:1/v1", Region: "eu-west-1", Attempts: 1, Transport: p.Clock,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	found := doctor.Examine(t.Context(), p, nil)
	f := of(t, found, "api.GET /replays")
	if f.Status != doctor.Fail || !strings.Contains(f.Remedy[0], "http://127.0.0.1:1/v1") || of(t, found, "caller.clock").Status != doctor.Unknown {
		t.Errorf("got %+v", f)
	}
	for _, f := range found {
		if strings.HasPrefix(f.Check, "api.") && f.Check != "api.GET /replays" {
			t.Errorf("%s was tried all the same", f.Check)
		}
	}
}

func TestAServiceThatDoesNotAnswerHoldsNothingUp(t *testing.T) {
	c := newCloud(t, time.Now())
	c.answers["DescribeTable"] = answer{body: "{}", delay: time.Minute}
	c.answers["DescribeTimeToLive"] = answer{body: "no JSON"}
	c.answers["DescribeContinuousBackups"] = answer{body: "{}"}
	p := patient(c)
	p.Timeout = 500 * time.Millisecond
	start := time.Now()
	found := doctor.Examine(t.Context(), p, nil)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if f := of(t, found, "ledger.table"); f.Status != doctor.Unknown || !strings.Contains(f.Detail, "no answer within 500ms") {
		t.Errorf("got %+v", f)
	}
	if f := of(t, found, "ledger.ttl"); f.Status != doctor.Unknown || !strings.Contains(f.Detail, "not one of this service of AWS") {
		t.Errorf("got %+v", f)
	}
	if f := of(t, found, "log.versioning"); f.Status == "" {
		t.Errorf("got %+v", f)
	}
}

func TestOnlyTheURLIsKnown(t *testing.T) {
	c := newCloud(t, time.Now())
	p := patient(c)
	url := p.Ingestion.APIURL
	p.Ingestion = config.Manifest{}
	p.Ingestion.APIURL = url
	found := doctor.Examine(t.Context(), p, nil)
	if f := of(t, found, "manifest"); f.Status != doctor.Skipped || len(found) != 25 {
		t.Errorf("got %d findings, %+v", len(found), f)
	}
}

func TestChecksAreLeftOut(t *testing.T) {
	c := newCloud(t, time.Now())
	found := doctor.Examine(t.Context(), patient(c), []string{"alarm", "api.POST /replays", "function.Record"})
	for _, f := range found {
		if strings.HasPrefix(f.Check, "alarm") || f.Check == "api.POST /replays" || f.Check == "function.Record" {
			t.Errorf("%s was not left out", f.Check)
		}
	}
	of(t, found, "function.Publish")
	of(t, found, "api.POST /replays/{replayId}/cancel")
	for _, call := range c.calls {
		if call == "DescribeAlarms" || call == http.MethodPost {
			t.Errorf("%s was called all the same", call)
		}
	}
}

// What the place of an ingestion does not have is marked, and hides no other fault of the same check.
func TestWhatIsLackingInAnyCaseIsSkipped(t *testing.T) {
	c := newCloud(t, time.Now())
	c.answers["DescribeAlarms"] = answer{body: "<Unknown/>"}
	c.answers["GetMetricStatistics"] = answer{body: "<Unknown/>"}
	c.answers["DescribeContinuousBackups"] = answer{body: "{}"}
	c.answers["DescribeTimeToLive"] = answer{body: "{}"}
	p := patient(c)
	p.Lacks = []stack.Lack{
		{Check: "alarm", Says: stack.NotOfAWS, Why: "a test"}, {Check: "schedule.runs", Says: stack.NotOfAWS, Why: "a test"},
		{Check: "ledger.recovery", Says: "point-in-time recovery is off", Why: "a test"}, {Check: "ledger.ttl", Says: "something else", Why: "a test"},
	}
	found := doctor.Examine(t.Context(), p, nil)
	for _, check := range []string{"alarm.Unaccounted", "schedule.runs", "ledger.recovery"} {
		f := of(t, found, check)
		if f.Status != doctor.Skipped || !strings.HasPrefix(f.Detail, "not here: ") || !strings.Contains(f.Detail, "(a test)") || len(f.Remedy) > 0 {
			t.Errorf("got %+v, want it skipped", f)
		}
	}
	if f := of(t, found, "ledger.ttl"); f.Status != doctor.Warn {
		t.Errorf("got %+v, want a warning", f)
	}
	for _, f := range found {
		if strings.Contains(strings.ToLower(f.Detail), "cbor") {
			t.Errorf("got %+v, want no talk of encodings", f)
		}
	}
}
