package ingestion

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

const httpsPort = 443

// network is where the functions run; the zero network is Lambda's own.
type network struct {
	vpc     awsec2.IVpc
	subnets *awsec2.SubnetSelection
	groups  *[]awsec2.ISecurityGroup
}

// addNetwork creates the one security group of all functions, unless there are others. They call AWS, and nothing calls
// them: HTTPS goes out, nothing comes in.
func (r *ReplayableIngestion) addNetwork(s *settings) {
	if s.network.vpc == nil || s.network.groups != nil {
		return
	}
	group := awsec2.NewSecurityGroup(r, jsii.String("SecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              s.network.vpc,
		Description:      jsii.String("Functions of " + r.path()),
		AllowAllOutbound: jsii.Bool(false),
	})
	group.AddEgressRule(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(httpsPort)), jsii.String("AWS"), nil)
	s.network.groups = &[]awsec2.ISecurityGroup{group}
}

// permitNetwork lets Lambda give the function a network interface, in the role's name (AWS Lambda Developer Guide,
// "Required IAM permissions"). The function's own code may not: only its calls carry lambda:SourceFunctionArn.
func (r *ReplayableIngestion) permitNetwork(role awsiam.Role, s *settings) {
	if s.network.vpc == nil {
		return
	}
	interfaces := jsii.Strings("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
		"ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: interfaces, Resources: jsii.Strings("*"),
	}))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Effect: awsiam.Effect_DENY, Actions: interfaces, Resources: jsii.Strings("*"),
		Conditions: &map[string]any{"ArnLike": map[string]any{
			"lambda:SourceFunctionArn": awscdk.Stack_Of(r).FormatArn(&awscdk.ArnComponents{
				Service: jsii.String("lambda"), Resource: jsii.String("function"), ResourceName: jsii.String("*"),
				ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
			}),
		}},
	}))
}

func (p *ReplayableIngestionProps) validateNetwork(f *faults) {
	if p.Vpc == nil {
		if p.VpcSubnets != nil {
			f.add("VpcSubnets needs Vpc: pass the VPC that the subnets are in")
		}
		if p.SecurityGroups != nil {
			f.add("SecurityGroups needs Vpc: pass the VPC that the groups are in")
		}
		return
	}
	if groups := p.SecurityGroups; groups != nil {
		if len(*groups) == 0 {
			f.add("SecurityGroups must have one group or more: leave it out for a new one")
		}
		for i, group := range *groups {
			if isNil(group) {
				f.add("SecurityGroups[%d] must be a security group, got nothing", i)
			}
		}
	}
	selected, err := selectSubnets(p.Vpc, p.VpcSubnets)
	if err != nil {
		f.add("VpcSubnets: %w", err)
		return
	}
	// Without a selection, CDK takes public subnets where there are no others.
	if *selected.HasPublic {
		f.add("VpcSubnets must be private: a function in a public subnet reaches nothing outside the VPC")
	}
}

// selectSubnets turns CDK's panic about a selection that fits nothing into an error.
func selectSubnets(vpc awsec2.IVpc, selection *awsec2.SubnetSelection) (selected *awsec2.SelectedSubnets, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return vpc.SelectSubnets(selection), nil
}
