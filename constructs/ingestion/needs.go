package ingestion

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// need is something that a function does. It becomes a statement of the function's role. The use of keys and the
// suppressions of cdk-nag follow from it. Statements are written by hand because CDK's grants are wider:
// bucket.GrantPut allows s3:PutObjectLegalHold and others, table.GrantReadWriteData allows Scan and the table's stream.
// A new call of a function needs a new entry in its needs. test/synth holds the result as a table.
type need struct {
	resource  func(*ReplayableIngestion, *settings) *string // nil: it is not needed with these settings
	actions   []string
	condition map[string]any
	via       string // the service that uses a key on the function's behalf; "" for one without a key of ours
	wildcard  *suppression
}

// readEvents is to list the versions of events, and to read them: by id, or the newest, or both.
func readEvents(how ...string) []need {
	bucket := func(r *ReplayableIngestion, _ *settings) *string { return r.bucketARN() }
	return slices.Concat(
		objects(schema.EventsPrefix, how...),
		// Without it S3 answers 403 instead of 404 for an object that is not there (GetObject, "Permissions"). It
		// cannot be narrowed to a prefix: a request for an object has none.
		[]need{{resource: bucket, actions: []string{"s3:ListBucket"}, via: "s3"}},
		[]need{{resource: bucket, actions: []string{"s3:ListBucketVersions"}, via: "s3", condition: map[string]any{
			"StringLike": map[string]any{"s3:prefix": schema.EventsPrefix + "*"},
		}}},
	)
}

// How an event is read.
const (
	theNewest = "s3:GetObject"
	byID      = "s3:GetObjectVersion"
)

// objects is to use the objects below a prefix.
func objects(prefix string, actions ...string) []need {
	return []need{{
		resource: func(r *ReplayableIngestion, _ *settings) *string { return r.objectsARN(prefix) },
		actions:  actions, via: "s3", wildcard: &anyObject,
	}}
}

// rows is to use items of the ledger. A transaction needs the operations that it is made of.
func rows(operations ...string) []need {
	actions := make([]string, len(operations))
	for i, op := range operations {
		actions[i] = "dynamodb:" + op
	}
	return []need{{
		resource: func(r *ReplayableIngestion, _ *settings) *string { return r.tableARN() }, actions: actions, via: "dynamodb",
	}}
}

// queries is to query indexes of the ledger.
func queries(indexes ...schema.Index) (list []need) {
	for _, index := range indexes {
		list = append(list, need{
			resource: func(r *ReplayableIngestion, _ *settings) *string {
				return jsii.String(*r.tableARN() + "/index/" + index.Name)
			},
			actions: []string{"dynamodb:Query"}, via: "dynamodb",
		})
	}
	return list
}

func publishes() []need {
	return []need{{
		resource: func(r *ReplayableIngestion, _ *settings) *string { return r.topicARN() },
		actions:  []string{"sns:Publish"}, via: "sns",
	}}
}

func sendsReplays() []need {
	return []need{{
		resource: func(r *ReplayableIngestion, _ *settings) *string { return r.replayQueueARN() },
		actions:  []string{"sqs:SendMessage"}, via: "sqs",
	}}
}

func ingestionMachine(r *ReplayableIngestion) awsstepfunctions.StateMachine { return r.StateMachine }
func seriesMachine(r *ReplayableIngestion) awsstepfunctions.StateMachine    { return r.SeriesMachine }

// executions is about every execution of one state machine and of no other.
func executions(of func(*ReplayableIngestion) awsstepfunctions.StateMachine, actions ...string) []need {
	return []need{{
		resource: func(r *ReplayableIngestion, _ *settings) *string { return executionsOf(r, of(r)) },
		actions:  actions, via: "states", wildcard: &anyExecution,
	}}
}

// redrives is to redrive executions, which replays do not do around an EXPRESS state machine.
func redrives() []need {
	return onlyIf(func(s *settings) bool { return redrivable(s.workflow) }, executions(ingestionMachine, "states:RedriveExecution"))
}

// onlyIf is for what only some settings need.
func onlyIf(wanted func(*settings) bool, list []need) []need {
	for i, n := range list {
		list[i].resource = func(r *ReplayableIngestion, s *settings) *string {
			if !wanted(s) {
				return nil
			}
			return n.resource(r, s)
		}
	}
	return list
}

// onMachine is about a state machine itself.
func onMachine(arn func(*ReplayableIngestion) *string, actions ...string) []need {
	return []need{{
		resource: func(r *ReplayableIngestion, _ *settings) *string { return arn(r) }, actions: actions, via: "states",
	}}
}

// bindVersions is what it takes to bind a version of a replay and to prepare its start, or to publish it again.
func bindVersions() []need {
	return slices.Concat(
		readEvents(theNewest, byID),
		objects(schema.DerivedPrefix, "s3:PutObject"),
		objects(schema.ReplaysPrefix, "s3:GetObject"),
		objects(schema.OutputsPrefix, "s3:GetObject"),
		rows("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem"),
		queries(schema.ByResource),
		publishes(),
		sendsReplays(),
	)
}

// permitNeeds lets a function do what it needs.
func (r *ReplayableIngestion) permitNeeds(spec *functionSpec, s *settings) {
	for _, n := range spec.needs {
		resource := n.resource(r, s)
		if resource == nil {
			continue
		}
		props := &awsiam.PolicyStatementProps{Actions: jsii.Strings(n.actions...), Resources: &[]*string{resource}}
		if n.condition != nil {
			props.Conditions = &n.condition
		}
		(*spec.field(r)).AddToRolePolicy(awsiam.NewPolicyStatement(props))
	}
}

// uses reports whether a function needs a service.
func (spec *functionSpec) uses(service string) bool {
	return spec.source != nil && service == "sqs" ||
		slices.ContainsFunc(spec.needs, func(n need) bool { return n.via == service })
}

// starts reports whether a function starts executions.
func (spec *functionSpec) starts() bool {
	return slices.ContainsFunc(spec.needs, func(n need) bool { return slices.Contains(n.actions, "states:StartExecution") })
}

// wildcards are the answers to cdk-nag about a function's role.
func (spec *functionSpec) wildcards() []suppression {
	all := []suppression{anyTrace}
	for _, w := range []*suppression{&anyObject, &anyExecution} {
		if slices.ContainsFunc(spec.needs, func(n need) bool { return n.wildcard == w }) {
			all = append(all, *w)
		}
	}
	return all
}

// permitKeys lets each function use EncryptionKey for what it reads and writes. An existing bucket or topic has its own
// key or none.
func (r *ReplayableIngestion) permitKeys(props *ReplayableIngestionProps, s *settings) {
	for _, spec := range functions() {
		uses := keyedServices{ledger: spec.uses("dynamodb")}
		for _, service := range []string{"s3", "sqs", "sns", "states"} {
			ours := (service != "s3" || props.EventLog == nil) && (service != "sns" || props.Topic == nil)
			if !ours || !spec.uses(service) {
				continue
			}
			uses.reads = append(uses.reads, service)
			if service != "states" || spec.starts() {
				uses.writes = append(uses.writes, service)
			}
		}
		r.permitKey(*spec.field(r), s, uses)
	}
}

// permitOwnKeys lets the functions use the keys of a bucket and of a topic that were passed. Their policies may say
// more than ours, so CDK decides where the permission goes.
func (r *ReplayableIngestion) permitOwnKeys(props *ReplayableIngestionProps) {
	grant := func(key awskms.IKey, service string) {
		for _, spec := range functions() {
			if key != nil && spec.uses(service) {
				key.Grant(*spec.field(r), jsii.String("kms:Decrypt"), jsii.String("kms:GenerateDataKey"))
			}
		}
	}
	if props.EventLog != nil {
		grant(props.EventLog.EncryptionKey(), "s3")
	}
	if props.Topic != nil {
		grant(props.Topic.MasterKey(), "sns")
	}
}

func allow(fn awslambda.Function, resource *string, actions ...string) {
	fn.AddToRolePolicy(statement(resource, actions...))
}
