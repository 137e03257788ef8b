package listings

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// suppressFindings answers what cdk-nag finds about the example's own resources; the construct's answer for themselves.
func (s *Stack) suppressFindings() {
	for _, queue := range []constructs.IConstruct{s.Premium, s.Downstream, s.DownstreamLive} {
		suppress(queue, "AwsSolutions-SQS3", "It plays a queue of another service, which has its own way with messages that it cannot handle")
	}
	role := s.EnrichFunction.Role()
	suppress(role, "AwsSolutions-IAM4", "AWSLambdaBasicExecutionRole lets the function write its log, and is what CDK gives to every function")
	suppress(role.Node().FindChild(jsii.String("DefaultPolicy")), "AwsSolutions-IAM5", "X-Ray's actions know no resources; the rest of the policy names one parameter")
}

// suppress writes metadata in cdk-nag's form, which takes no cdk-nag.
func suppress(of constructs.IConstruct, id, reason string) {
	of.Node().DefaultChild().(awscdk.CfnResource).AddMetadata(jsii.String("cdk_nag"), map[string]any{
		"rules_to_suppress": []any{map[string]any{"id": id, "reason": reason}},
	})
}
