package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// any replaces the name of an object or an execution in a call.
const anyName = "any"

// function is a function of the template.
type function struct {
	short, id string
	arn, role string // ARNs
	key       string // ARN of the key of its environment variables; "" for none
}

// functions are the functions whose role is in the template.
func (a *Account) functions() (all []function, err error) {
	for id, r := range a.ofType("AWS::Lambda::Function") {
		f := function{id: id, short: readable(id)}
		if f.role, err = a.resources.text(r.Properties["Role"]); err != nil {
			return nil, fmt.Errorf("role of %s: %w", id, err)
		}
		if f.arn, err = a.resources.attribute(id, "Arn"); err != nil {
			return nil, err
		}
		if f.key, err = a.keyIn(r, "KmsKeyArn"); err != nil {
			return nil, err
		}
		name := f.arn[strings.LastIndex(f.arn, ":")+1:]
		for _, i := range a.ingestions {
			for short, deployed := range i.Functions {
				if deployed == name {
					f.short = short
				}
			}
		}
		f.short = strings.TrimSuffix(f.short, "Function") // the example's Enrich
		all = append(all, f)
	}
	return all, nil
}

func (a *Account) ofType(kind string) func(yield func(string, resource) bool) {
	return func(yield func(string, resource) bool) {
		for _, id := range slices.Sorted(maps.Keys(a.resources)) {
			if a.resources[id].Type == kind && !yield(id, a.resources[id]) {
				return
			}
		}
	}
}

// Requests returns the IAM requests for a call of a function. There are none if the template does not have the
// function.
func (a *Account) Requests(c Call) (all []Request, err error) {
	functions, err := a.functions()
	if err != nil {
		return nil, err
	}
	keys, err := a.keys()
	if err != nil {
		return nil, err
	}
	named := parts(a.outputs)
	for _, f := range functions {
		if f.short == c.Function {
			all = append(all, asked(f, c, named, keys)...)
		}
	}
	return all, nil
}

// asked returns the IAM requests for one call: the call itself, and the use of its resource's key.
func asked(f function, c Call, named, keys map[string]string) []Request {
	resource := c.Resource
	best := ""
	for part, arn := range named {
		if rest, ok := cutPart(c.Resource, part); ok && len(part) > len(best) {
			best, resource = part, arn+rest
		}
	}
	r := Request{
		Principal: Principal{"AWS", f.role}, Action: c.Action, Resource: strings.ReplaceAll(resource, "*", anyName),
		Context: secure(map[string]string{"lambda:SourceFunctionArn": f.arn}),
		Why:     "noted of " + c.Function,
	}
	all := []Request{r}
	if c.Prefix != "" {
		all[0].Context["s3:prefix"] = strings.ReplaceAll(c.Prefix, "*", anyName)
	}
	bucket, _, _ := strings.Cut(r.Resource, "/")
	if c.Action == "s3:GetObject" || c.Action == "s3:GetObjectVersion" {
		list := r
		list.Action, list.Resource = "s3:ListBucket", bucket
		list.Why = `404 for an object that is not there: Amazon S3 API Reference, "GetObject", Permissions`
		all = append(all, list)
	}
	return append(all, keyed(f, r, keys)...)
}

// secure is the context of a call by TLS.
func secure(context map[string]string) map[string]string {
	all := map[string]string{"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
	maps.Copy(all, context)
	return all
}

// keyUse is how a service uses the key of a resource on behalf of the caller.
type keyUse struct {
	call    string // prefix of the calls
	actions []string
	context string // key of the encryption context that names the resource
	why     string
}

var keyUses = []keyUse{
	{"s3:GetObject", []string{"kms:Decrypt"}, "aws:s3:arn",
		`Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys", Permissions`},
	{"s3:PutObject", []string{"kms:GenerateDataKey"}, "aws:s3:arn",
		`Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys", Permissions`},
	{"dynamodb:", []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey",
		"kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"}, "",
		`Amazon DynamoDB Developer Guide, "Encryption at rest: how it works", Authorizing use of a customer managed key`},
	{"sqs:SendMessage", []string{"kms:GenerateDataKey", "kms:Decrypt"}, "aws:sqs:arn",
		`Amazon SQS Developer Guide, "Key management", Configure KMS permissions for producers`},
	{"sqs:ReceiveMessage", []string{"kms:Decrypt"}, "aws:sqs:arn",
		`Amazon SQS Developer Guide, "Key management", Configure KMS permissions for consumers`},
	{"sns:Publish", []string{"kms:GenerateDataKey", "kms:Decrypt"}, "aws:sns:topicArn",
		`Amazon SNS Developer Guide, "Managing Amazon SNS encryption keys and costs"`},
	{"states:DescribeExecution", []string{"kms:Decrypt"}, "aws:states:stateMachineArn",
		`Step Functions Developer Guide, "Data at rest encryption in Step Functions", Permissions`},
	{"states:GetExecutionHistory", []string{"kms:Decrypt"}, "aws:states:stateMachineArn",
		`Step Functions Developer Guide, "Data at rest encryption in Step Functions", Permissions`},
}

// keyed returns the requests for the key of a call's resource, if it has one.
func keyed(f function, r Request, keys map[string]string) (all []Request) {
	resource := strings.Replace(r.Resource, ":execution:", ":stateMachine:", 1)
	if strings.HasPrefix(r.Resource, arn("states", "execution:")) {
		resource = resource[:strings.LastIndex(resource, ":")]
	}
	resource, _, _ = strings.Cut(resource, "/index/")
	if strings.HasPrefix(resource, "arn:"+partition+":s3:::") {
		resource, _, _ = strings.Cut(resource, "/")
	}
	key := keys[resource]
	if key == "" {
		return nil
	}
	for _, use := range keyUses {
		if !strings.HasPrefix(r.Action, use.call) {
			continue
		}
		service, _, _ := strings.Cut(use.call, ":")
		context := secure(map[string]string{"kms:ViaService": service + "." + region + "." + urlSuffix})
		if use.context != "" {
			context["kms:EncryptionContext:"+use.context] = resource
		}
		for _, action := range use.actions {
			all = append(all, Request{Principal{"AWS", f.role}, action, key, context, use.why})
		}
	}
	return all
}

// keyOf is the property that names the key, by resource type.
var keyOf = map[string][]string{
	"AWS::S3::Bucket": {"BucketEncryption", "ServerSideEncryptionConfiguration", "ServerSideEncryptionByDefault",
		"KMSMasterKeyID"},
	"AWS::DynamoDB::Table":             {"SSESpecification", "KMSMasterKeyId"},
	"AWS::SQS::Queue":                  {"KmsMasterKeyId"},
	"AWS::SNS::Topic":                  {"KmsMasterKeyId"},
	"AWS::StepFunctions::StateMachine": {"EncryptionConfiguration", "KmsKeyId"},
}

// keys are the customer managed keys by ARN of the encrypted resource.
func (a *Account) keys() (map[string]string, error) {
	keys := map[string]string{}
	for kind, path := range keyOf {
		for id, r := range a.ofType(kind) {
			key, err := a.keyIn(r, path...)
			if err != nil {
				return nil, fmt.Errorf("key of %s: %w", id, err)
			}
			name, err := a.resources.name(id)
			if err != nil {
				return nil, err
			}
			keys[kinds[kind].arn(name)] = key
		}
	}
	return keys, nil
}

// keyIn is the ARN of the key in a property. It is "" for none, and for an AWS managed key, which needs no permission.
func (a *Account) keyIn(r resource, path ...string) (string, error) {
	var v any = r.Properties
	for _, field := range path {
		if l, ok := v.([]any); ok && len(l) > 0 {
			v = l[0]
		}
		m, ok := v.(map[string]any)
		if !ok {
			return "", nil
		}
		v = m[field]
	}
	if v == nil {
		return "", nil
	}
	key, err := a.resources.text(v)
	if err != nil || strings.HasPrefix(key, "alias/aws/") {
		return "", err
	}
	if !strings.HasPrefix(key, "arn:") {
		key = kinds["AWS::KMS::Key"].arn(key)
	}
	return key, nil
}
