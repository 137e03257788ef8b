package iam

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

type object = map[string]any

func ref(id string) object { return object{"Ref": id} }
func arnOf(id string) object {
	return object{"Fn::GetAtt": []any{id, "Arn"}}
}

func allow(action string, resource any) object {
	return object{"Effect": "Allow", "Action": action, "Resource": resource}
}

func doc(statements ...any) object {
	return object{"Version": "2012-10-17", "Statement": statements}
}

func trust(service string) object {
	return object{"AssumeRolePolicyDocument": doc(object{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": object{"Service": service},
	})}
}

// small is a template with a function that a queue feeds, a state machine that runs it, and a rule that sends to the
// queue.
func small() object {
	const machine = `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${fn}","End":true}}}`
	outputs := config.Manifest{
		EventLogBucket: "log", LedgerTable: "book", Functions: map[string]string{"Record": "RecordFunction12345678"},
		ReplayQueueURL: "http://x/q", DeadLetterQueueURL: "http://x/d", OutcomesQueueURL: "http://x/o",
		StateMachineARN: "arn:m", SeriesMachineARN: "arn:s", TopicARN: "arn:t",
	}
	return object{
		"Outputs": object{"Manifest": object{"Value": outputs.Encode()}},
		"Resources": object{
			"Role12345678": object{"Type": "AWS::IAM::Role", "Properties": trust("lambda.amazonaws.com")},
			"Policy": object{"Type": "AWS::IAM::Policy", "Properties": object{
				"PolicyName": "p", "Roles": []any{ref("Role12345678")}, "PolicyDocument": doc(
					allow("dynamodb:GetItem", object{"Fn::Join": []any{":", []any{
						"arn:aws:dynamodb", ref("AWS::Region"), ref("AWS::AccountId"), "table/book",
					}}}),
					allow("sqs:ReceiveMessage", arnOf("Queue")), allow("sqs:DeleteMessage", arnOf("Queue")),
					allow("sqs:GetQueueAttributes", arnOf("Queue")),
				),
			}},
			"RecordFunction12345678": object{"Type": "AWS::Lambda::Function", "Properties": object{
				"Role": arnOf("Role12345678"),
			}},
			"Queue": object{"Type": "AWS::SQS::Queue"},
			"Mapping": object{"Type": "AWS::Lambda::EventSourceMapping", "Properties": object{
				"EventSourceArn": arnOf("Queue"), "FunctionName": ref("RecordFunction12345678"),
			}},
			"Rule": object{"Type": "AWS::Events::Rule", "Properties": object{
				"Targets": []any{object{"Arn": arnOf("Queue")}},
			}},
			"QueuePolicy": object{"Type": "AWS::SQS::QueuePolicy", "Properties": object{
				"Queues": []any{ref("Queue")}, "PolicyDocument": doc(object{
					"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arnOf("Queue"),
					"Principal": object{"Service": "events.amazonaws.com"},
					"Condition": object{"ArnEquals": object{"aws:SourceArn": arnOf("Rule")}},
				}),
			}},
			"MachineRole": object{"Type": "AWS::IAM::Role", "Properties": trust("states.amazonaws.com")},
			"MachinePolicy": object{"Type": "AWS::IAM::Policy", "Properties": object{
				"PolicyName": "m", "Roles": []any{ref("MachineRole")},
				"PolicyDocument": doc(allow("lambda:InvokeFunction", arnOf("RecordFunction12345678"))),
			}},
			"Machine": object{"Type": "AWS::StepFunctions::StateMachine", "Properties": object{
				"RoleArn": arnOf("MachineRole"), "DefinitionString": machine,
				"DefinitionSubstitutions": object{"fn": arnOf("RecordFunction12345678")},
			}},
		},
	}
}

func read(t *testing.T, template object) (*Account, error) {
	t.Helper()
	b, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	return Read(b)
}

// denied returns the requests of services and of one function that the policies of a template do not allow.
func denied(t *testing.T, a *Account) (all []string) {
	t.Helper()
	requests, err := a.Services()
	if err != nil {
		t.Fatal(err)
	}
	noted, err := a.Requests(Call{Function: "Record", Action: "dynamodb:GetItem", Resource: "Ledger"})
	if err != nil || len(noted) != 1 {
		t.Fatalf("got %v, %v, want one request", noted, err)
	}
	for _, r := range append(requests, noted...) {
		if !a.Decide(r).Allowed {
			all = append(all, r.Action)
		}
	}
	return all
}

func TestAWholeTemplate(t *testing.T) {
	a, err := read(t, small())
	if err != nil {
		t.Fatal(err)
	}
	if got := denied(t, a); len(got) > 0 {
		t.Errorf("denied %v, want none", got)
	}
	if got := a.Unused(); len(got) > 0 {
		t.Errorf("unused %v, want none", got)
	}
}

// TestEachMissingOrUnusedPermissionIsFound checks that the evaluation finds each missing or unused permission.
func TestEachMissingOrUnusedPermissionIsFound(t *testing.T) {
	properties := func(t object, id string) object { return t["Resources"].(object)[id].(object)["Properties"].(object) }
	statements := func(t object, id string) []any {
		return properties(t, id)["PolicyDocument"].(object)["Statement"].([]any)
	}
	for _, tt := range []struct {
		name   string
		spoil  func(template object)
		denied []string
		unused string // a part of the unused permission; "": all are used
	}{
		{"a role that may not read the table", func(m object) {
			statements(m, "Policy")[0] = allow("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:000000000000:table/book")
		},
			[]string{"dynamodb:GetItem"}, "dynamodb:PutItem"},
		{"a role that may read another table", func(m object) {
			statements(m, "Policy")[0] = allow("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:000000000000:table/books")
		},
			[]string{"dynamodb:GetItem"}, "table/books"},
		{"a queue that takes messages of another rule", func(m object) {
			statements(m, "QueuePolicy")[0].(object)["Condition"] = object{"ArnEquals": object{
				"aws:SourceArn": "arn:aws:events:us-east-1:000000000000:rule/other",
			}}
		}, []string{"sqs:SendMessage"}, "rule/other"},
		{"a queue without a policy", func(m object) { delete(m["Resources"].(object), "QueuePolicy") },
			[]string{"sqs:SendMessage"}, ""},
		{"a role that Lambda may not assume", func(m object) {
			m["Resources"].(object)["Role12345678"].(object)["Properties"] = trust("edgelambda.amazonaws.com")
		},
			[]string{"sts:AssumeRole"}, "trust of Role: edgelambda"},
		{"a state machine that runs another function", func(m object) {
			properties(m, "Machine")["DefinitionSubstitutions"] = object{
				"fn": "arn:aws:lambda:us-east-1:000000000000:function:other",
			}
		}, []string{"lambda:InvokeFunction"}, "RecordFunction"},
		{"a role that may do more", func(m object) {
			properties(m, "Policy")["PolicyDocument"] = doc(append(statements(m, "Policy"), allow("dynamodb:Scan", "*"))...)
		}, nil, "dynamodb:Scan on *"},
		{"a role that is denied what it does", func(m object) {
			deny := allow("dynamodb:*", "*")
			deny["Effect"] = "Deny"
			properties(m, "Policy")["PolicyDocument"] = doc(append(statements(m, "Policy"), deny)...)
		}, []string{"dynamodb:GetItem"}, "dynamodb:GetItem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			template := small()
			tt.spoil(template)
			a, err := read(t, template)
			if err != nil {
				t.Fatal(err)
			}
			if got := denied(t, a); !slices.Equal(got, tt.denied) {
				t.Errorf("denied %v, want %v", got, tt.denied)
			}
			unused := a.Unused()
			if (len(unused) > 0) != (tt.unused != "") {
				t.Errorf("unused %v, want one with %q", unused, tt.unused)
			}
			for _, p := range unused {
				if !strings.Contains(p.String(), tt.unused) {
					t.Errorf("unused %s, want one with %q", p, tt.unused)
				}
			}
		})
	}
}

// TestUnknownTemplatesAreRefused: a part that is not understood could need a permission.
func TestUnknownTemplatesAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, id string
		resource object
		want     string
	}{
		{"a managed policy", "Role12345678", object{"Type": "AWS::IAM::Role", "Properties": object{
			"AssumeRolePolicyDocument": doc(), "ManagedPolicyArns": []any{"arn:aws:iam::aws:policy/AdministratorAccess"},
		}}, "unknown managed policy"},
		{"a policy of groups", "Policy", object{"Type": "AWS::IAM::Policy", "Properties": object{
			"PolicyDocument": doc(), "Groups": []any{"g"},
		}}, "unknown field Groups"},
		{"an intrinsic function", "Policy", object{"Type": "AWS::IAM::Policy", "Properties": object{
			"Roles": []any{ref("Role12345678")}, "PolicyDocument": doc(allow("a:b", object{"Fn::ImportValue": "x"})),
		}}, "unknown intrinsic function Fn::ImportValue"},
		{"a task", "Machine", object{"Type": "AWS::StepFunctions::StateMachine", "Properties": object{
			"RoleArn":          arnOf("MachineRole"),
			"DefinitionString": `{"States":{"A":{"Type":"Task","Resource":"arn:aws:states:::batch:submitJob"}}}`,
		}}, "unknown task arn:aws:states:::batch:submitJob"},
		{"a target of a rule", "Rule", object{"Type": "AWS::Events::Rule", "Properties": object{
			"Targets": []any{object{"Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}},
		}}, "unknown target"},
		{"a source of a function", "Mapping", object{"Type": "AWS::Lambda::EventSourceMapping", "Properties": object{
			"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "FunctionName": "f",
		}}, "unknown source"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			template := small()
			template["Resources"].(object)[tt.id] = tt.resource
			a, err := read(t, template)
			if err == nil {
				_, err = a.Services()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	_, err := Read([]byte(`{"Resources":{}}`))
	if err == nil || !strings.Contains(err.Error(), "no output is the manifest") {
		t.Errorf("got %v for a template without an ingestion", err)
	}
}
