package ingestion

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// permitDistributedMaps lets the machine run the executions of its own Distributed Maps, as CDK does for those that it
// knows (Step Functions Developer Guide, "IAM policies for using Distributed Map state"). It is a policy of its own,
// because the role's default one exists before the machine does.
func (r *ReplayableIngestion) permitDistributedMaps(labels []string) {
	if len(labels) == 0 {
		return
	}
	executions := *executionsOf(r, r.StateMachine)
	runs := make([]*string, len(labels))
	for i, label := range labels {
		if label == "" {
			label = "*"
		}
		runs[i] = jsii.String(strings.TrimSuffix(executions, ":*") + "/" + label + ":*")
	}
	policy := awsiam.NewPolicy(r.StateMachine, jsii.String("DistributedMapPolicy"), nil)
	policy.AddStatements(
		statement(r.machineARN(), "states:StartExecution"),
		statement(&executions, "states:DescribeExecution", "states:StopExecution"),
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("states:RedriveExecution"), Resources: &runs,
		}),
	)
	r.StateMachine.Role().AttachInlinePolicy(policy)
}
