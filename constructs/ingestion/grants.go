package ingestion

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// GrantIngest lets a producer send events: states:StartExecution on the state machine.
func (r *ReplayableIngestion) GrantIngest(grantee awsiam.IGrantable) awsiam.Grant {
	return awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      grantee,
		Actions:      jsii.Strings("states:StartExecution"),
		ResourceArns: &[]*string{r.machineARN()},
	})
}

// GrantReplay lets a caller of the API start replays and follow them, correct events, and close and reopen failures:
// execute-api:Invoke on the methods of /replays, and on POST /versions, /failures/close and /failures/reopen.
// It panics if the API has an ApiAuthorizer, as IAM does not decide then.
func (r *ReplayableIngestion) GrantReplay(grantee awsiam.IGrantable) awsiam.Grant {
	return r.grantInvoke("GrantReplay", grantee, r.replayMethods)
}

// GrantReadHistory lets a caller of the API read the past of a resource and the failures: execute-api:Invoke on the
// methods of /versions and /failures that read. It does not include replays. It panics if the API has an ApiAuthorizer,
// as IAM does not decide then.
func (r *ReplayableIngestion) GrantReadHistory(grantee awsiam.IGrantable) awsiam.Grant {
	return r.grantInvoke("GrantReadHistory", grantee, r.historyMethods)
}

func (r *ReplayableIngestion) grantInvoke(name string, grantee awsiam.IGrantable, methods []awsapigateway.Method) awsiam.Grant {
	if kind := methods[0].Node().DefaultChild().(awsapigateway.CfnMethod).AuthorizationType(); *kind != "AWS_IAM" {
		panic(fmt.Errorf("ReplayableIngestion %q: %s: callers of this API are authorized by its ApiAuthorizer (%s), and a grant of IAM "+
			"would have no effect: let the authorizer decide, by scopes or by what it returns", *r.Node().Id(), name, *kind))
	}
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
