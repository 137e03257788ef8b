package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// Account is an account with the resources of a template: its roles, the policies of its resources, and its ingestions.
type Account struct {
	resources  resolver
	identity   map[string][]Document // by ARN of the role
	managed    map[string][]Document // AWS managed policies, by ARN of the role
	resource   map[string][]Document // by ARN of the resource; of a role, its trust policy
	ingestions []config.Manifest
	outputs    map[string]string
	used       map[Permission]bool
}

// Read reads a CloudFormation template.
func Read(template []byte) (*Account, error) {
	var t struct {
		Resources resolver
		Outputs   map[string]struct{ Value any }
	}
	if err := json.Unmarshal(template, &t); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	a := &Account{
		resources: t.Resources,
		identity:  map[string][]Document{}, managed: map[string][]Document{}, resource: map[string][]Document{},
		outputs: map[string]string{}, used: map[Permission]bool{},
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if err := a.add(id, t.Resources[id]); err != nil {
			return nil, fmt.Errorf("%s, a %s: %w", id, t.Resources[id].Type, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.Outputs)) {
		value, err := a.resources.text(t.Outputs[id].Value)
		if err != nil {
			continue // not relevant to policies; Requests returns an error for a missing manifest
		}
		a.outputs[id] = value
		if i, err := config.DecodeManifest(value); err == nil {
			a.ingestions = append(a.ingestions, i)
		}
	}
	if len(a.ingestions) == 0 {
		return nil, fmt.Errorf("template: no output is the manifest of an ingestion")
	}
	return a, nil
}

// add adds the policies of a resource.
func (a *Account) add(id string, r resource) error {
	p := func(property string) any { return r.Properties[property] }
	switch r.Type {
	case "AWS::IAM::Role":
		arn, err := a.resources.attribute(id, "Arn")
		if err != nil {
			return err
		}
		if err := a.attach(a.resource, "trust of "+readable(id), p("AssumeRolePolicyDocument"), arn); err != nil {
			return err
		}
		for _, policy := range list(p("ManagedPolicyArns")) {
			name, err := a.resources.text(policy)
			if err != nil {
				return err
			}
			doc, known := managedPolicies[name]
			if !known {
				return fmt.Errorf("unknown managed policy %s: write it in dev/iam", name)
			}
			a.managed[arn] = append(a.managed[arn], doc)
		}
		for _, inline := range list(p("Policies")) {
			if err := a.attach(a.identity, readable(id), inline.(map[string]any)["PolicyDocument"], arn); err != nil {
				return err
			}
		}
	case "AWS::IAM::Policy":
		if err := onlyKnows(r.Properties, "PolicyDocument", "PolicyName", "Roles"); err != nil {
			return err
		}
		for _, role := range list(p("Roles")) {
			arn, owner, err := a.role(role)
			if err != nil {
				return err
			}
			if err := a.attach(a.identity, owner, p("PolicyDocument"), arn); err != nil {
				return err
			}
		}
	case "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy":
		return fmt.Errorf("unknown type: write it in dev/iam")
	case "AWS::SQS::QueuePolicy":
		return a.attachTo(id, p("PolicyDocument"), p("Queues"), queueARN)
	case "AWS::SNS::TopicPolicy":
		return a.attachTo(id, p("PolicyDocument"), p("Topics"), func(arn string) string { return arn })
	case "AWS::S3::BucketPolicy":
		return a.attachTo(id, p("PolicyDocument"), p("Bucket"), kinds["AWS::S3::Bucket"].arn)
	case "AWS::KMS::Key":
		arn, err := a.resources.attribute(id, "Arn")
		if err != nil {
			return err
		}
		return a.attach(a.resource, "policy of "+readable(id), p("KeyPolicy"), arn)
	case "AWS::Lambda::Permission":
		return a.attachPermission(id, r)
	}
	return nil
}

// managedPolicies are the AWS managed policies of the example's roles (AWS Managed Policy Reference Guide).
var managedPolicies = map[string]Document{
	"arn:" + partition + ":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": {Statements: []Statement{{
		Actions: []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []string{"*"},
	}}},
	"arn:" + partition + ":iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs": {Statements: []Statement{{
		Actions: []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams",
			"logs:PutLogEvents", "logs:GetLogEvents", "logs:FilterLogEvents"}, Resources: []string{"*"},
	}}},
}

// role finds the role that a policy is attached to: by its name, which is a reference.
func (a *Account) role(reference any) (arn, owner string, err error) {
	name, err := a.resources.text(reference)
	if err != nil {
		return "", "", err
	}
	owner = name
	if ref, ok := reference.(map[string]any)["Ref"].(string); ok {
		owner = readable(ref)
	}
	return kinds["AWS::IAM::Role"].arn(name), owner, nil
}

func (a *Account) attach(to map[string][]Document, owner string, policy any, arn string) error {
	policy, err := a.resources.resolve(policy)
	if err != nil {
		return err
	}
	doc, err := parseDocument(owner, policy)
	if err != nil {
		return err
	}
	to[arn] = append(to[arn], doc)
	return nil
}

// attachTo attaches a policy to resources that its template names in some way.
func (a *Account) attachTo(id string, policy, names any, arn func(name string) string) error {
	for _, name := range list(names) {
		text, err := a.resources.text(name)
		if err != nil {
			return err
		}
		if err := a.attach(a.resource, readable(id), policy, arn(text)); err != nil {
			return err
		}
	}
	return nil
}

// attachPermission adds a statement to the policy of a function.
func (a *Account) attachPermission(id string, r resource) error {
	if err := onlyKnows(r.Properties, "Action", "FunctionName", "Principal", "SourceArn"); err != nil {
		return err
	}
	all, err := a.resources.resolve(r.Properties)
	if err != nil {
		return err
	}
	p := all.(map[string]any)
	arn := functionARN(fmt.Sprint(p["FunctionName"]))
	return a.attach(a.resource, readable(id), map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Service": p["Principal"]}, "Action": p["Action"], "Resource": arn,
		"Condition": map[string]any{"ArnLike": map[string]any{"aws:SourceArn": p["SourceArn"]}},
	}}, arn)
}

func functionARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return kinds["AWS::Lambda::Function"].arn(name)
}

// queueARN returns the ARN of a queue from its URL.
func queueARN(url string) string { return arn("sqs", url[strings.LastIndex(url, "/")+1:]) }

// readable returns a logical id without the hash that CDK appends.
func readable(id string) string { return hash.ReplaceAllString(id, "") }

var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

// Decide reports whether a request is allowed, and records the permissions that allow it.
func (a *Account) Decide(r Request) Decision {
	on := r.Resource
	if bucket, _, found := strings.Cut(on, "/"); found && strings.HasPrefix(on, "arn:"+partition+":s3:::") {
		on = bucket
	}
	var identity []Document
	if r.Principal.Kind == "AWS" {
		identity = slices.Concat(a.identity[r.Principal.Name], a.managed[r.Principal.Name])
	}
	d := decide(r, identity, a.resource[on], accountID)
	for _, p := range d.By {
		a.used[p] = true
	}
	return d
}

// Unused are the permissions that no request has used so far.
func (a *Account) Unused() []Permission {
	unused := map[Permission]bool{}
	for _, docs := range slices.Concat(slices.Collect(maps.Values(a.identity)), slices.Collect(maps.Values(a.resource))) {
		for _, doc := range docs {
			for _, s := range doc.Statements {
				for _, one := range s.single() {
					if p := one.permission(doc.Owner); !s.Deny && !a.used[p] {
						unused[p] = true
					}
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(unused), func(a, b Permission) int {
		return strings.Compare(a.String(), b.String())
	})
}
