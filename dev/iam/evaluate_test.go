package iam

import (
	"encoding/json"
	"strings"
	"testing"
)

// policy parses a document.
func policy(t *testing.T, text string) Document {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	doc, err := parseDocument("test", v)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

const (
	aRole  = "arn:aws:iam::000000000000:role/a"
	aRoot  = "arn:aws:iam::000000000000:root"
	aQueue = "arn:aws:sqs:us-east-1:000000000000:q"
	aKey   = "arn:aws:kms:us-east-1:000000000000:key/k"
)

func TestDecisions(t *testing.T) {
	const (
		send      = `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + aQueue + `"}`
		useKey    = `{"Effect":"Allow","Action":["kms:Decrypt"],"Resource":"` + aKey + `"}`
		toAccount = `{"Effect":"Allow","Principal":{"AWS":"` + aRoot + `"},"Action":"kms:*","Resource":"*"}`
		toRole    = `{"Effect":"Allow","Principal":{"AWS":"` + aRole + `"},"Action":"kms:Decrypt","Resource":"*"}`
		tls       = `{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
		forRule   = `{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*",` +
			`"Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/r"}}}`
	)
	rule := map[string]string{"aws:SourceArn": "arn:aws:events:us-east-1:000000000000:rule/r"}
	me := Principal{"AWS", aRole}
	for _, tt := range []struct {
		name               string
		identity, resource string
		request            Request
		want               bool
	}{
		{"nothing allows it", "", "", Request{me, "sqs:SendMessage", aQueue, nil, ""}, false},
		{"the role's policy allows it", send, "", Request{me, "sqs:SendMessage", aQueue, nil, ""}, true},
		{"an action is compared without case", send, "", Request{me, "SQS:sendmessage", aQueue, nil, ""}, true},
		{"another resource", send, "", Request{me, "sqs:SendMessage", aQueue + "2", nil, ""}, false},
		{"another action", send, "", Request{me, "sqs:DeleteMessage", aQueue, nil, ""}, false},
		{"the resource's policy denies it without TLS", send, tls,
			Request{me, "sqs:SendMessage", aQueue, map[string]string{"aws:SecureTransport": "false"}, ""}, false},
		{"the resource's policy does not deny it with TLS", send, tls,
			Request{me, "sqs:SendMessage", aQueue, map[string]string{"aws:SecureTransport": "true"}, ""}, true},
		{"a service for our rule", "", forRule, Request{service("events"), "sqs:SendMessage", aQueue, rule, ""}, true},
		{"a service for no rule", "", forRule, Request{service("events"), "sqs:SendMessage", aQueue, nil, ""}, false},
		{"another service for our rule", "", forRule, Request{service("sns"), "sqs:SendMessage", aQueue, rule, ""}, false},
		{"a key whose policy says nothing", useKey, "", Request{me, "kms:Decrypt", aKey, nil, ""}, false},
		{"a key that its policy leaves to the account", useKey, toAccount, Request{me, "kms:Decrypt", aKey, nil, ""}, true},
		{"a key that nobody else allows", "", toAccount, Request{me, "kms:Decrypt", aKey, nil, ""}, false},
		{"a key whose policy names the role", "", toRole, Request{me, "kms:Decrypt", aKey, nil, ""}, true},
		{"the account's root stands for no role", "", strings.ReplaceAll(toAccount, "kms:*", "sqs:*"),
			Request{me, "sqs:SendMessage", aQueue, nil, ""}, false},
		{"everybody who may assume a role is named", send, strings.Replace(send, `"Action"`, `"Principal":{"Service":"lambda.amazonaws.com"},"Action"`, 1),
			Request{service("states"), "sqs:SendMessage", aQueue, nil, ""}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := decide(tt.request, []Document{policy(t, document(tt.identity))}, []Document{policy(t, document(tt.resource))}, accountID)
			if tt.request.Principal.Kind == "Service" {
				got = decide(tt.request, nil, []Document{policy(t, document(tt.resource))}, accountID)
			}
			if got.Allowed != tt.want || (len(got.By) > 0) != tt.want {
				t.Errorf("got %+v, want allowed %t", got, tt.want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		operator, want, got string // got "": the context lacks the key
		met                 bool
	}{
		{"StringEquals", "a", "a", true},
		{"StringEquals", "a*", "ab", false},
		{"StringEquals", "a", "", false},
		{"StringNotEquals", "a", "b", true},
		{"StringNotEquals", "a", "a", false},
		{"StringNotEquals", "a", "", true},
		{"StringLike", "events/*", "events/x/y", true},
		{"StringLike", "events/?", "events/xy", false},
		{"ArnLike", "arn:aws:lambda:us-east-1:0:function:*", "arn:aws:lambda:us-east-1:0:function:f", true},
		{"ArnLike", "arn:aws:*:function:f", "arn:aws:lambda:us-east-1:0:function:f", false},
		{"ArnEquals", "arn:aws:events:*:0:rule/r", "arn:aws:events:us-east-1:0:rule/r", true},
		{"Bool", "false", "False", true},
		{"Bool", "false", "", false},
		{"NumericLessThan", "1.2", "1.1", true},
		{"NumericLessThan", "1.2", "1.3", false},
		{"NumericLessThan", "1.2", "x", false},
	} {
		context := map[string]string{}
		if tt.got != "" {
			context["key"] = tt.got
		}
		if got := (Condition{tt.operator, "key", []string{tt.want}}).met(context); got != tt.met {
			t.Errorf("%s %s of %q: got %t, want %t", tt.operator, tt.want, tt.got, got, tt.met)
		}
	}
	if !(Condition{"StringNotEquals", "key", []string{"a", "b"}}).met(map[string]string{"key": "c"}) ||
		(Condition{"StringNotEquals", "key", []string{"a", "b"}}).met(map[string]string{"key": "b"}) {
		t.Error("a negated operator must fit none of its values")
	}
}

// TestEachConditionValueIsUsedSeparately: a use of one value of a condition does not count for the other values.
func TestEachConditionValueIsUsedSeparately(t *testing.T) {
	doc := policy(t, document(`{"Effect":"Allow","Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*",`+
		`"Condition":{"StringEquals":{"kms:ViaService":["s3","sqs"]}}}`))
	if got := len(doc.Statements[0].single()); got != 4 {
		t.Errorf("got %d permissions, want 4", got)
	}
	got := doc.Statements[0].permissions("test", Request{Action: "kms:Decrypt", Resource: aKey, Context: map[string]string{"kms:ViaService": "sqs"}})
	want := Permission{Owner: "test", Action: "kms:Decrypt", Resource: "*", Condition: "kms:ViaService StringEquals sqs"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestWhatIsNotKnownIsRefused: a skipped part of a policy could deny a call, or allow one that is never made.
func TestWhatIsNotKnownIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"Version":"2008-10-17","Statement":[]}`:                                                                   "got version 2008-10-17",
		`{"Version":"2012-10-17","Id":"x","Statement":[]}`:                                                          "unknown field Id",
		document(`{"Effect":"Maybe","Action":"a","Resource":"*"}`):                                                  "got effect Maybe",
		document(`{"Effect":"Allow","NotAction":"a","Resource":"*"}`):                                               "unknown field NotAction",
		document(`{"Effect":"Allow","Action":"a","NotResource":"*"}`):                                               "unknown field NotResource",
		document(`{"Effect":"Allow","Resource":"*"}`):                                                               "want one or more",
		document(`{"Effect":"Allow","Action":"a","Resource":"arn:aws:s3:::b/${aws:username}"}`):                     "policy variable",
		document(`{"Effect":"Allow","Action":"a","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"::1"}}}`): "unknown operator IpAddress",
		document(`{"Effect":"Allow","Action":"a","Resource":"*","Condition":{"BoolIfExists":{"k":"true"}}}`):        "unknown operator BoolIfExists",
		document(`{"Effect":"Allow","Action":"a","Resource":"*","Principal":{"Federated":"x"}}`):                    "unknown field Federated",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if _, err := parseDocument("test", v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
