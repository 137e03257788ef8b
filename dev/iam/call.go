package iam

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/ce873799/replayable-ingestion/dev/faultproxy"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

// Call is a call that a function makes. A * replaces the names of objects and executions, which differ from call to
// call.
type Call struct {
	Function string `json:"function"` // short name, such as Record
	Action   string `json:"action"`
	Resource string `json:"resource"`            // an ARN, or a part of an ingestion: EventLog/events/*
	Prefix   string `json:"s3:prefix,omitempty"` // of a list
}

// Compare sorts calls.
func Compare(a, b Call) int {
	return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Action, b.Action),
		cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Prefix, b.Prefix))
}

// Recorder records the calls that functions make through a proxy. The zero value is ready to use.
type Recorder struct {
	mu    sync.Mutex
	calls map[Call]bool
	bad   []error
}

// Observe records a request. It is the Observe function of a proxy.
func (rec *Recorder) Observe(op faultproxy.Operation, r *http.Request, body []byte) {
	calls, err := calls(op, r, body)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err != nil {
		rec.bad = append(rec.bad, fmt.Errorf("%s: %w", op, err))
		return
	}
	if rec.calls == nil {
		rec.calls = map[Call]bool{}
	}
	function := accessKey(r)
	for _, c := range calls {
		c.Function = function[strings.LastIndex(function, "-")+1:] // of Orders-Record, Record
		rec.calls[c] = true
	}
}

// Calls returns the calls recorded so far, with the parts of the ingestions by name. It returns an error if a request
// was not recognized.
func (rec *Recorder) Calls(outputs map[string]map[string]string) ([]Call, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if len(rec.bad) > 0 {
		return nil, fmt.Errorf("%d requests were not understood, the first: %w", len(rec.bad), rec.bad[0])
	}
	named := map[Call]bool{}
	for c := range rec.calls {
		c.Resource = name(c.Resource, outputs)
		named[c] = true
	}
	var all []Call
	for c := range named {
		all = append(all, c)
	}
	slices.SortFunc(all, Compare)
	return all, nil
}

// name replaces the ARN at the start of a resource with the part of an ingestion.
func name(resource string, outputs map[string]map[string]string) string {
	for _, stack := range outputs {
		for part, arn := range parts(stack) {
			if rest, ok := cutPart(resource, arn); ok {
				return part + rest
			}
		}
	}
	return resource
}

// cutPart returns the rest of a resource after a part of an ingestion, if the resource is that part or below it.
func cutPart(resource, part string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(resource, part)
	return rest, ok && (rest == "" || strings.ContainsAny(rest[:1], "/:"))
}

// parts are the ARNs that functions call, by name: of the ingestion in a stack's outputs, and of the example.
func parts(outputs map[string]string) map[string]string {
	all := map[string]string{}
	if parameter := outputs["GeocoderParameter"]; parameter != "" {
		all["GeocoderParameter"] = arn("ssm", "parameter/"+strings.TrimPrefix(parameter, "/"))
	}
	if function := outputs["TransformArn"]; function != "" {
		all["Transform"] = function
	}
	for _, value := range outputs {
		i, err := config.DecodeManifest(value)
		if err != nil {
			continue
		}
		all["EventLog"] = kinds["AWS::S3::Bucket"].arn(i.EventLogBucket)
		all["Ledger"] = kinds["AWS::DynamoDB::Table"].arn(i.LedgerTable)
		all["Topic"] = i.TopicARN
		all["DeadLetterQueue"], all["OutcomesQueue"] = queueARN(i.DeadLetterQueueURL), queueARN(i.OutcomesQueueURL)
		all["ReplayQueue"] = queueARN(i.ReplayQueueURL)
		all["StateMachine"], all["SeriesMachine"] = i.StateMachineARN, i.SeriesMachineARN
		all["StateMachine/executions"] = executions(i.StateMachineARN)
		all["SeriesMachine/executions"] = executions(i.SeriesMachineARN)
	}
	return all
}

// executions is the prefix of the ARNs of a state machine's executions.
func executions(machine string) string {
	return strings.Replace(machine, ":stateMachine:", ":execution:", 1)
}

// accessKey is the access key that signed a request.
func accessKey(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(credential, "/")
	return key
}

// calls are the IAM actions of one request (Service Authorization Reference, "Actions, resources, and condition keys"
// of each service).
func calls(op faultproxy.Operation, r *http.Request, body []byte) ([]Call, error) {
	switch op.Service {
	case "dynamodb":
		return dynamoDB(op.Name, body)
	case "s3":
		return s3(op.Name, r)
	case "sqs":
		var in struct{ QueueUrl string }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		return []Call{{Action: "sqs:" + strings.TrimSuffix(op.Name, "Batch"), Resource: queueARN(in.QueueUrl)}}, nil
	case "sns":
		form, err := url.ParseQuery(string(body))
		return []Call{{Action: "sns:" + strings.TrimSuffix(op.Name, "Batch"), Resource: form.Get("TopicArn")}}, err
	case "states":
		var in struct{ StateMachineArn, ExecutionArn string }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		resource := in.StateMachineArn
		if in.ExecutionArn != "" {
			resource = in.ExecutionArn[:strings.LastIndex(in.ExecutionArn, ":")] + ":*"
		}
		return []Call{{Action: "states:" + op.Name, Resource: resource}}, nil
	case "lambda": // its operations are paths, of which the functions call one
		name, invokes := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/invocations")
		if !invokes || op.Name != http.MethodPost {
			return nil, fmt.Errorf("unknown operation: write it in dev/iam")
		}
		return []Call{{Action: "lambda:InvokeFunction", Resource: name}}, nil
	case "ssm":
		var in struct{ Name string }
		err := json.Unmarshal(body, &in)
		return []Call{{Action: "ssm:" + op.Name, Resource: arn("ssm", "parameter/"+strings.TrimPrefix(in.Name, "/"))}}, err
	}
	return nil, fmt.Errorf("unknown service: write it in dev/iam")
}

// dynamoDB: a transaction needs the operations that it is made of (Amazon DynamoDB Developer Guide, "Using IAM with
// DynamoDB transactions").
func dynamoDB(operation string, body []byte) (all []Call, err error) {
	type item struct{ TableName string }
	var in struct {
		TableName, IndexName string
		RequestItems         map[string]any
		TransactItems        []map[string]item // by operation
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	add := func(operation, table string) {
		all = append(all, Call{Action: "dynamodb:" + operation, Resource: kinds["AWS::DynamoDB::Table"].arn(table)})
	}
	switch operation {
	case "GetItem", "PutItem", "UpdateItem", "DeleteItem":
		add(operation, in.TableName)
	case "Query":
		if in.IndexName != "" {
			in.TableName += "/index/" + in.IndexName
		}
		add(operation, in.TableName)
	case "BatchGetItem", "BatchWriteItem":
		for table := range in.RequestItems {
			add(operation, table)
		}
	case "TransactGetItems", "TransactWriteItems":
		for _, one := range in.TransactItems {
			for kind, item := range one {
				action, known := map[string]string{
					"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
					"ConditionCheck": "ConditionCheckItem",
				}[kind]
				if !known {
					return nil, fmt.Errorf("unknown part %s of a transaction: write it in dev/iam", kind)
				}
				add(action, item.TableName)
			}
		}
	default:
		return nil, fmt.Errorf("unknown operation: write it in dev/iam")
	}
	return all, nil
}

// s3 takes paths that begin with the bucket. It keeps only the part of a key before the first /.
func s3(operation string, r *http.Request) ([]Call, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	bucket = kinds["AWS::S3::Bucket"].arn(bucket)
	object := bucket + "/" + anyBelow(key)
	action, versioned := "", query.Has("versionId")
	for _, sub := range []string{"acl", "tagging", "retention", "legal-hold", "uploads", "uploadId", "attributes"} {
		if query.Has(sub) {
			return nil, fmt.Errorf("subresource %s needs an action of its own: write it in dev/iam", sub)
		}
	}
	switch operation {
	case "ListObjectVersions":
		return []Call{{Action: "s3:ListBucketVersions", Resource: bucket, Prefix: anyBelow(query.Get("prefix"))}}, nil
	case "ListObjectsV2":
		return []Call{{Action: "s3:ListBucket", Resource: bucket, Prefix: anyBelow(query.Get("prefix"))}}, nil
	case "GetObject", "HeadObject":
		action = "s3:GetObject"
		if versioned {
			action += "Version"
		}
	case "PutObject":
		for _, header := range []string{"X-Amz-Tagging", "X-Amz-Acl", "If-Match", "X-Amz-Copy-Source"} {
			if r.Header.Get(header) != "" {
				return nil, fmt.Errorf("header %s needs an action of its own: write it in dev/iam", header)
			}
		}
		action = "s3:PutObject"
	default:
		return nil, fmt.Errorf("unknown operation: write it in dev/iam")
	}
	return []Call{{Action: action, Resource: object}}, nil
}

// anyBelow keeps the part of a key before its first /.
func anyBelow(key string) string {
	if first, _, found := strings.Cut(key, "/"); found {
		return first + "/*"
	}
	return key
}
