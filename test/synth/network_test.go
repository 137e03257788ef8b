package synth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

func newVpc(stack awscdk.Stack, kinds ...awsec2.SubnetType) awsec2.IVpc {
	var subnets []*awsec2.SubnetConfiguration
	for _, kind := range kinds {
		subnets = append(subnets, &awsec2.SubnetConfiguration{Name: jsii.String(string(kind)), SubnetType: kind})
	}
	return awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{RestrictDefaultSecurityGroup: jsii.Bool(false), NatGateways: jsii.Number(0), MaxAzs: jsii.Number(2), SubnetConfiguration: &subnets})
}

// networked is the template of a construct in a VPC.
func networked(t *testing.T) template {
	t.Helper()
	stack := newStack(t)
	props := valid(stack)
	props.Vpc = newVpc(stack, awsec2.SubnetType_PRIVATE_ISOLATED)
	newIngestion(stack, props)
	return synth(t, stack)
}

func TestEveryFunctionRunsInTheVpc(t *testing.T) {
	tpl := networked(t)
	functions := tpl.ofType("AWS::Lambda::Function")
	if len(functions) != 7 {
		t.Errorf("got %d functions, want 7", len(functions))
	}
	for id, f := range functions {
		config, _ := f.Properties["VpcConfig"].(map[string]any)
		if got := fmt.Sprint(asText(config["SubnetIds"])); got != "[${VpcPRIVATEISOLATEDSubnet1Subnet} ${VpcPRIVATEISOLATEDSubnet2Subnet}]" {
			t.Errorf("%s: got subnets %s", id, got)
		}
		if got := fmt.Sprint(asText(config["SecurityGroupIds"])); got != "[${IngestionSecurityGroup.GroupId}]" {
			t.Errorf("%s: got security groups %s, want the one of all functions", id, got)
		}
	}
	want(t, tpl.one(t, "AWS::EC2::SecurityGroup", "IngestionSecurityGroup"), map[string]string{
		"SecurityGroupIngress": "<nil>", "SecurityGroupEgress.0.IpProtocol": "tcp", "SecurityGroupEgress.0.ToPort": "443", "SecurityGroupEgress.0.FromPort": "443",
	})
}

// TestOnlyLambdaMakesInterfaces: the permission is Lambda's, in the role's name, and not the function's own.
func TestOnlyLambdaMakesInterfaces(t *testing.T) {
	for _, policy := range networked(t).ofType("AWS::IAM::Policy") {
		effects := map[string]string{}
		for _, s := range policy.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			s := s.(map[string]any)
			if strings.Contains(fmt.Sprint(s["Action"]), "ec2:") {
				effects[s["Effect"].(string)] = fmt.Sprint(s["Action"], inline(t, s["Condition"]))
			}
		}
		role := render(policy.Properties["Roles"].([]any)[0])
		if strings.Contains(role, "MachineRole") || strings.Contains(role, "ScheduleRole") {
			if len(effects) > 0 {
				t.Errorf("%s may make interfaces", role)
			}
			continue
		}
		const actions = "[ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface " +
			"ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses"
		if !strings.HasPrefix(effects["Allow"], actions) { // CDK puts X-Ray's behind them
			t.Errorf("%s: allowed %s", role, effects["Allow"])
		}
		if !strings.HasPrefix(effects["Deny"], actions+"]") || !strings.Contains(effects["Deny"], `"lambda:SourceFunctionArn":"arn:${AWS::Partition}:lambda:`) {
			t.Errorf("%s: denied %s", role, effects["Deny"])
		}
	}
}

func TestSubnetsAndGroupsCanBeChosen(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.Vpc = newVpc(stack, awsec2.SubnetType_PUBLIC, awsec2.SubnetType_PRIVATE_ISOLATED)
	chosen := (*props.Vpc.IsolatedSubnets())[:1]
	props.VpcSubnets = &awsec2.SubnetSelection{Subnets: &chosen}
	props.SecurityGroups = &[]awsec2.ISecurityGroup{awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("Mine"), jsii.String("sg-0123456789abcdef0"), nil)}
	newIngestion(stack, props)
	tpl := synth(t, stack)
	want(t, tpl.one(t, "AWS::Lambda::Function", "IngestionRecordFunction"), map[string]string{
		"VpcConfig.SecurityGroupIds": "[sg-0123456789abcdef0]", "VpcConfig.SubnetIds.0": "${VpcPRIVATEISOLATEDSubnet1Subnet}",
	})
	if n := len(tpl.ofType("AWS::EC2::SecurityGroup")); n != 0 {
		t.Errorf("%d security groups were made", n)
	}
}

func TestFaultsOfTheNetwork(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(awscdk.Stack, *ingestion.ReplayableIngestionProps)
		want   []string
	}{
		{"no VPC", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.VpcSubnets, p.SecurityGroups = &awsec2.SubnetSelection{}, &[]awsec2.ISecurityGroup{}
		}, []string{"VpcSubnets needs Vpc", "SecurityGroups needs Vpc"}},
		{"nothing private", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.Vpc = newVpc(s, awsec2.SubnetType_PUBLIC)
		}, []string{"VpcSubnets must be private"}},
		{"public subnets", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.Vpc = newVpc(s, awsec2.SubnetType_PUBLIC, awsec2.SubnetType_PRIVATE_ISOLATED)
			p.VpcSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}
		}, []string{"VpcSubnets must be private"}},
		{"subnets that are not there, and no groups", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.Vpc = newVpc(s, awsec2.SubnetType_PRIVATE_ISOLATED)
			p.VpcSubnets = &awsec2.SubnetSelection{SubnetGroupName: jsii.String("none")}
			p.SecurityGroups = &[]awsec2.ISecurityGroup{}
		}, []string{"SecurityGroups must have one group or more", "VpcSubnets: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			props := valid(stack)
			tt.change(stack, props)
			before := len(*stack.Node().Children())
			message := panics(func() { newIngestion(stack, props) })
			faultsAre(t, message[:min(len(message), 400)], tt.want...)
			if len(*stack.Node().Children()) != before {
				t.Error("something was created before the panic")
			}
		})
	}
}
