package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// suppression answers a finding of cdk-nag about a resource of ours. It is metadata in the form that cdk-nag reads, so
// that apps which use cdk-nag find nothing here, and others need no cdk-nag. test/synth fails on one that is not
// needed.
type suppression struct {
	id, reason string
	appliesTo  string // a regular expression for what of the resource it is about; empty: all of it
}

// Findings about wildcards, each with what makes it necessary. needs.go keeps everything else narrow.
var (
	anyTrace = suppression{id: "AwsSolutions-IAM5", appliesTo: `/^Resource::\*$/`,
		reason: "X-Ray's actions, the deliveries of Step Functions' logs and, in a VPC, the network interfaces that Lambda makes know no resources, or none whose ids are known before"}
	anyObject = suppression{id: "AwsSolutions-IAM5", appliesTo: `/^Resource::.*\/(events|outputs|derived|unrecorded|replays)\/\*$/`,
		reason: "One object per resource, execution or replay, whose names are not known before; the prefix says what they are"}
	anyExecution = suppression{id: "AwsSolutions-IAM5", appliesTo: `/^Resource::arn:.*:(execution|mapRun):.*:\*$/`,
		reason: "Every execution of one state machine, whose names are not known before"}
	anyVersion = suppression{id: "AwsSolutions-IAM5", appliesTo: `/^Resource::<.*\.Arn>:\*$/`,
		reason: "A task of the workflow that invokes a function may invoke its versions too, which is how CDK permits LambdaInvoke"}
)

// suppressFindings answers what cdk-nag's AwsSolutions finds.
func (r *ReplayableIngestion) suppressFindings(props *ReplayableIngestionProps, s *settings) {
	if props.EventLog == nil {
		suppress(r.EventLog, suppression{id: "AwsSolutions-S1", reason: "Only the functions write, and each object names the execution that it is from. " +
			"CloudTrail's data events log reads; an EventLog of one's own may have access logs"})
	}
	for _, machine := range []awsstepfunctions.StateMachine{r.StateMachine, r.SeriesMachine} {
		suppress(machine, suppression{id: "AwsSolutions-SF1", reason: "Errors are logged, without execution data. At ALL, every event would be in the log; " +
			"Step Functions keeps each execution's history for 90 days, and traces are on"})
	}
	suppressPolicy(r.StateMachine.Role(), anyTrace, anyExecution, anyVersion)
	suppressPolicy(r.SeriesMachine.Role(), anyTrace, anyExecution)
	for _, spec := range functions() {
		suppressPolicy((*spec.field(r)).Role(), spec.wildcards()...)
	}
	r.suppressFindingsOfApi(s)
}

func (r *ReplayableIngestion) suppressFindingsOfApi(s *settings) {
	suppress(r.Api, suppression{id: "AwsSolutions-APIG2", reason: "The gateway asks for a JSON object. The handler validates every field and parameter, " +
		"names all faults at once, and is fuzzed"})
	ofStage := []suppression{{id: "AwsSolutions-APIG6", reason: "Access logs are on. Execution logs would hold queries, in a log group that API Gateway makes " +
		"itself, without retention or key"}}
	if s.access.webACL == nil {
		ofStage = append(ofStage, suppression{id: "AwsSolutions-APIG3", reason: "Every method needs authorization, and the stage is throttled; " +
			"ApiWebAclArn puts a web ACL before it"})
	}
	suppress(r.Api.DeploymentStage(), ofStage...)
	for _, method := range append(append([]awsapigateway.Method{}, r.replayMethods...), r.historyMethods...) {
		if s.access.authorizer == nil {
			suppress(method, suppression{id: "AwsSolutions-COG4", reason: "Callers sign their requests, and IAM decides (AWS_IAM); ApiAuthorizer takes user pools"})
		} else if s.access.authorizer.AuthorizationType() == awsapigateway.AuthorizationType_CUSTOM {
			suppress(method, suppression{id: "AwsSolutions-COG4", reason: "A Lambda authorizer decides (CUSTOM), as ApiAuthorizer asks for"})
		}
	}
	if role := r.Api.Node().TryFindChild(jsii.String("CloudWatchRole")); role != nil {
		suppress(role, suppression{id: "AwsSolutions-IAM4", reason: "The account's setting of API Gateway takes a role with this policy of AWS " +
			"(API Gateway Developer Guide, Permissions for CloudWatch logging)"})
	}
}

// suppressPolicy is about the policy that CDK makes for a role. The roles of state machines have one of ours beside
// what the user's states add; what that adds on "*" is covered, too, since cdk-nag reports it as the same finding.
func suppressPolicy(role constructs.IConstruct, all ...suppression) {
	if policy := role.Node().TryFindChild(jsii.String("DefaultPolicy")); policy != nil {
		suppress(policy, all...)
	}
}

func suppress(of constructs.IConstruct, all ...suppression) {
	rules := make([]any, len(all))
	for i, s := range all {
		rule := map[string]any{"id": s.id, "reason": s.reason}
		if s.appliesTo != "" {
			rule["applies_to"] = []any{map[string]any{"regex": s.appliesTo}}
		}
		rules[i] = rule
	}
	resource := of.Node().DefaultChild().(awscdk.CfnResource)
	resource.AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": rules})
}
