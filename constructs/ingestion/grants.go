package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// GrantIngest lets a producer send events: states:StartExecution on the state machine.
func (r *ReplayableIngestion) GrantIngest(grantee awsiam.IGrantable) awsiam.Grant {
	return awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      grantee,
		Actions:      jsii.Strings("states:StartExecution"),
		ResourceArns: &[]*string{r.StateMachine.StateMachineArn()},
	})
}

// GrantReplay lets a caller of the API start replays and follow them: execute-api:Invoke on the methods of /replays.
func (r *ReplayableIngestion) GrantReplay(grantee awsiam.IGrantable) awsiam.Grant {
	return r.grantInvoke(grantee, r.replayMethods)
}

// GrantReadHistory lets a caller of the API read the past of a resource and the failures: execute-api:Invoke on the
// methods of /versions and /failures. It does not include replays.
func (r *ReplayableIngestion) GrantReadHistory(grantee awsiam.IGrantable) awsiam.Grant {
	return r.grantInvoke(grantee, r.historyMethods)
}

func (r *ReplayableIngestion) grantInvoke(grantee awsiam.IGrantable, methods []awsapigateway.Method) awsiam.Grant {
	arns := make([]*string, len(methods))
	for i, m := range methods {
		arns[i] = m.MethodArn()
	}
	return awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      grantee,
		Actions:      jsii.Strings("execute-api:Invoke"),
		ResourceArns: &arns,
	})
}
