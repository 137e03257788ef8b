package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"
)

// snsManagedKey encrypts the topic where no key is given. Only this account may use it, and no service may: a topic
// that services or other accounts publish to needs another key. To ours, functions of the account publish.
const snsManagedKey = "alias/aws/sns"

// newLogGroup is where everything here logs to.
func (r *ReplayableIngestion) newLogGroup(id string, s *settings) awslogs.LogGroup {
	return r.newNamedLogGroup(id, nil, s)
}

// newMachineLogGroup is where a state machine logs to. A name that begins so keeps it out of the account's resource
// policy of log delivery, which is full after some dozens of state machines (Step Functions Developer Guide, "Avoiding
// CloudWatch resource policy size limits"). It ends with the id of the stack, so that a stack that is
// made again does not meet the log group that the one before left behind.
func (r *ReplayableIngestion) newMachineLogGroup(id string, s *settings) awslogs.LogGroup {
	const maxLength = 200 // of 512, for the id of the stack goes behind it
	stack := awscdk.Stack_Of(r)
	stackID := awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), stack.StackId(), nil))
	name := awscdk.Names_UniqueResourceName(r, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(maxLength)})
	return r.newNamedLogGroup(id, jsii.String("/aws/vendedlogs/states/"+*name+"-"+id+"-"+*stackID), s)
}

func (r *ReplayableIngestion) newNamedLogGroup(id string, name *string, s *settings) awslogs.LogGroup {
	return awslogs.NewLogGroup(r, jsii.String(id), &awslogs.LogGroupProps{
		LogGroupName:  name,
		Retention:     s.logRetention,
		RemovalPolicy: s.logRemoval,
		EncryptionKey: s.encryptionKey,
	})
}

// machineEncryption covers definition and history of a state machine; nil: the key that AWS owns.
func (s *settings) machineEncryption() awsstepfunctions.EncryptionConfiguration {
	if s.encryptionKey == nil {
		return nil
	}
	return awsstepfunctions.NewCustomerManagedEncryptionConfiguration(s.encryptionKey, nil)
}

// newTopic creates a topic that is encrypted. CDK would name the key of AWS by an ARN, which does not exist everywhere,
// and offer it for grants, which it does not take.
func (r *ReplayableIngestion) newTopic(s *settings) awssns.ITopic {
	topic := awssns.NewTopic(r, jsii.String("Topic"), &awssns.TopicProps{
		EnforceSSL: jsii.Bool(true),
		MasterKey:  s.encryptionKey,
	})
	if s.encryptionKey == nil {
		topic.Node().DefaultChild().(awssns.CfnTopic).SetKmsMasterKeyId(jsii.String(snsManagedKey))
	}
	return topic
}

// openKey lets the services use the key that act for themselves and not for a role of ours. The statements name no
// resource of ours: those need the key first. docs/security.md shows them for keys that cannot be changed from here.
func (r *ReplayableIngestion) openKey(s *settings) {
	if s.encryptionKey == nil {
		return
	}
	stack := awscdk.Stack_Of(r)
	groups := stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("logs"), Resource: jsii.String("log-group"), ResourceName: jsii.String("*"),
		ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
	added := true
	for _, st := range []awsiam.PolicyStatement{
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        jsii.String("LogGroups"),
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("logs."+*stack.Region()+"."+*stack.UrlSuffix()), nil)},
			Actions: jsii.Strings("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey",
				"kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"),
			Resources:  jsii.Strings("*"), // in the policy of a key, the key
			Conditions: &map[string]any{"ArnLike": map[string]any{"kms:EncryptionContext:aws:logs:arn": groups}},
		}),
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        jsii.String("RulesToQueues"),
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
			Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"),
			Resources:  jsii.Strings("*"),
			// No condition on aws:SourceAccount. The Amazon SNS Developer Guide ("Managing Amazon SNS encryption keys")
			// says that EventBridge does not support it in the policy of a topic's key, and no guide says that it does
			// for a queue's. Were it not met, every status event would be lost. That only our rules send, the policies
			// of the queues see to.
		}),
	} {
		result := s.encryptionKey.AddToResourcePolicy(st, jsii.Bool(true))
		added = added && *result.StatementAdded
	}
	if !added {
		warn(r, "KeyPolicy", "EncryptionKey is imported, so its policy cannot be completed from here: CloudWatch Logs, "+
			"EventBridge and the delivery of Step Functions' logs must be allowed to use it, or nothing is logged and no "+
			"failure is noticed. docs/security.md has the statements")
	}
}

// keyedServices is what a function uses that is encrypted with the key; dynamodb stands for itself.
type keyedServices struct {
	ledger bool
	reads  []string // services that decrypt for it
	writes []string // services that encrypt for it
}

// permitKey lets a function use the key through the services that it calls, and never by itself. Lambda decrypts the
// function's own environment.
func (r *ReplayableIngestion) permitKey(fn awslambda.Function, s *settings, uses keyedServices) {
	if s.encryptionKey == nil {
		return
	}
	r.permitKeyVia(fn, s, append([]string{"lambda"}, uses.reads...), "kms:Decrypt")
	if len(uses.writes) > 0 {
		r.permitKeyVia(fn, s, uses.writes, "kms:GenerateDataKey")
	}
	if uses.ledger { // Amazon DynamoDB Developer Guide, "Authorizing use of a customer managed key", without grants
		r.permitKeyVia(fn, s, []string{"dynamodb"}, "kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo",
			"kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey")
	}
}

func (r *ReplayableIngestion) permitKeyVia(fn awslambda.Function, s *settings, services []string, actions ...string) {
	stack := awscdk.Stack_Of(r)
	via := make([]*string, len(services))
	for i, service := range services {
		via[i] = jsii.String(service + "." + *stack.Region() + "." + *stack.UrlSuffix())
	}
	fn.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:    jsii.Strings(actions...),
		Resources:  &[]*string{s.encryptionKey.KeyArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"kms:ViaService": via}},
	}))
}

// permitMachineKeys lets the state machines' roles use the key for definitions and histories. CDK does so for the ARN
// of a state machine without a name, which ours have not and which therefore fits none. The ARN cannot be said: a state
// machine needs its role first.
func (r *ReplayableIngestion) permitMachineKeys(s *settings) {
	if s.encryptionKey == nil {
		return
	}
	for _, machine := range []awsstepfunctions.StateMachine{r.StateMachine, r.SeriesMachine} {
		machine.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"),
			Resources:  &[]*string{s.encryptionKey.KeyArn()},
			Conditions: &map[string]any{"ArnLike": map[string]any{"kms:EncryptionContext:aws:states:stateMachineArn": r.everyMachine()}},
		}))
	}
}
