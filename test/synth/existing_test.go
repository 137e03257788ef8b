package synth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

func versioned(scope constructs.Construct, id string) awss3.Bucket {
	return awss3.NewBucket(scope, jsii.String(id), &awss3.BucketProps{Versioned: jsii.Bool(true)})
}

func fifo(scope constructs.Construct, id string) awssns.Topic {
	return awssns.NewTopic(scope, jsii.String(id), &awssns.TopicProps{Fifo: jsii.Bool(true)})
}

// TestExistingBucketsAndTopics passes them from wherever an app may have them. What the functions may do with them is
// the same everywhere, and the construct makes neither bucket, nor topic, nor a policy of either.
func TestExistingBucketsAndTopics(t *testing.T) {
	other := func(stack awscdk.Stack, id string) awscdk.Stack {
		return awscdk.NewStack(awscdk.Stage_Of(stack), jsii.String(id), nil)
	}
	const bucketArn, topicArn = "arn:aws:s3:::events-of-old", "arn:aws:sns:eu-west-1:123456789012:news.fifo"
	for _, tt := range []struct {
		name            string
		bucket          func(awscdk.Stack) awss3.IBucket
		topic           func(awscdk.Stack) awssns.ITopic
		events, topicID string // what the template calls them
	}{
		{
			name:   "of the same stack",
			bucket: func(s awscdk.Stack) awss3.IBucket { return versioned(s, "Mine") },
			topic:  func(s awscdk.Stack) awssns.ITopic { return fifo(s, "News") },
			events: "${Mine.Arn}", topicID: "${News}",
		},
		{
			name:   "of another stack",
			bucket: func(s awscdk.Stack) awss3.IBucket { return versioned(other(s, "Storage"), "Mine") },
			topic: func(s awscdk.Stack) awssns.ITopic {
				return awssns.NewTopic(other(s, "Messages"), jsii.String("News"), nil)
			},
			events: "${OutputFnGetAttMine", topicID: "${OutputRefNews",
		},
		{
			name: "imported",
			bucket: func(s awscdk.Stack) awss3.IBucket {
				return awss3.Bucket_FromBucketArn(s, jsii.String("Mine"), jsii.String(bucketArn))
			},
			topic: func(s awscdk.Stack) awssns.ITopic {
				return awssns.Topic_FromTopicArn(s, jsii.String("News"), jsii.String(topicArn))
			},
			events: bucketArn, topicID: topicArn,
		},
		{
			name: "whose names are parameters",
			bucket: func(s awscdk.Stack) awss3.IBucket {
				return awss3.Bucket_FromBucketName(s, jsii.String("Mine"), awscdk.NewCfnParameter(s, jsii.String("Name"), nil).ValueAsString())
			},
			topic: func(s awscdk.Stack) awssns.ITopic {
				return awssns.Topic_FromTopicArn(s, jsii.String("News"), awscdk.NewCfnParameter(s, jsii.String("Arn"), nil).ValueAsString())
			},
			events: "arn:${AWS::Partition}:s3:::${Name}", topicID: "${Arn}",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			props := valid(stack)
			props.EventLog, props.Topic = tt.bucket(stack), tt.topic(stack)
			r := newIngestion(stack, props)
			if r.EventLog != props.EventLog || r.Topic != props.Topic {
				t.Error("the construct's fields are not what was passed")
			}
			tpl := synth(t, stack)
			for id, res := range tpl.Resources {
				ours := strings.HasPrefix(id, "Ingestion") && !strings.Contains(res.Type, "SQS")
				if ours && (strings.HasPrefix(res.Type, "AWS::S3::") || strings.HasPrefix(res.Type, "AWS::SNS::")) {
					t.Errorf("the construct made %s, a %s", id, res.Type)
				}
			}
			writes, publishes := 0, 0
			for _, line := range permissions(t, tpl) {
				switch f := strings.SplitN(line, "  ", 3); f[1] {
				case "s3:PutObject":
					if writes++; !strings.HasPrefix(f[2], tt.events) {
						t.Errorf("%s writes to %s, want %s", f[0], f[2], tt.events)
					}
				case "sns:Publish":
					if publishes++; !strings.HasPrefix(f[2], tt.topicID) {
						t.Errorf("%s publishes to %s, want %s", f[0], f[2], tt.topicID)
					}
				}
			}
			if writes != 7 || publishes != 3 {
				t.Errorf("got %d permissions to write and %d to publish, want 7 and 3", writes, publishes)
			}
		})
	}
}

// TestUnversionedBucketsAreRefused: S3 would keep one event per resource, and replays would find no others.
func TestUnversionedBucketsAreRefused(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.EventLog = awss3.NewBucket(stack, jsii.String("Plain"), nil)
	const want = "EventLog must be a versioned bucket, got Test/Plain, which is not: set Versioned"
	if got := panics(func() { newIngestion(stack, props) }); !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTwoIngestionsMayShareATopic, as subscribers tell them apart by the state machine that execution belongs to.
func TestTwoIngestionsMayShareATopic(t *testing.T) {
	stack := newStack(t)
	topic := awssns.NewTopic(stack, jsii.String("News"), nil)
	for _, id := range []string{"A", "B"} {
		ingestion.NewReplayableIngestion(stack, jsii.String(id), &ingestion.ReplayableIngestionProps{
			Workflow: pass(stack, "Work"+id), ResourceIdPath: jsii.String("$.id"), Topic: topic,
		})
	}
	publishers := map[string]bool{}
	for _, line := range permissions(t, synth(t, stack)) {
		if role, ok := strings.CutSuffix(line, "  sns:Publish  ${News}"); ok {
			publishers[role] = true
		}
	}
	if len(publishers) != 6 {
		t.Errorf("got publishers %s, want three of each", fmt.Sprint(publishers))
	}
}

// TestEverythingFromAnotherStack has a platform's stack own what holds data, its key and the network. A policy in one stack
// that names a role in the other, which names the key, would be a circle that CDK refuses to synthesize.
func TestEverythingFromAnotherStack(t *testing.T) {
	app := newApp(t, nil)
	platform := awscdk.NewStack(app, jsii.String("Platform"), nil)
	key := awskms.NewKey(platform, jsii.String("Key"), nil)
	vpc := newVpc(platform, awsec2.SubnetType_PRIVATE_ISOLATED)
	bucket := awss3.NewBucket(platform, jsii.String("Events"), &awss3.BucketProps{Versioned: jsii.Bool(true), EncryptionKey: key})
	topic := awssns.NewTopic(platform, jsii.String("News"), &awssns.TopicProps{MasterKey: key})

	stack := awscdk.NewStack(app, jsii.String("Orders"), nil)
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow: pass(stack, "Work"), ResourceIdPath: jsii.String("$.id"),
		EncryptionKey: key, EventLog: bucket, Topic: topic, Vpc: vpc,
	})
	tpl := synth(t, stack)
	for id, f := range tpl.ofType("AWS::Lambda::Function") {
		if subnets := fmt.Sprint(asText(f.Properties["VpcConfig"].(map[string]any)["SubnetIds"])); !strings.Contains(subnets, "PRIVATEISOLATED") {
			t.Errorf("%s: got subnets %s", id, subnets)
		}
	}
	if queue := tpl.one(t, "AWS::SQS::Queue", "OrdersReplayQueue"); !strings.Contains(render(queue["KmsMasterKeyId"]), "Key") {
		t.Errorf("got key %v", queue["KmsMasterKeyId"])
	}
	if n := len(synth(t, platform).ofType("AWS::IAM::Role")); n != 0 {
		t.Errorf("%d roles were made in the other stack", n)
	}
}

func TestAnImportedVpc(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.Vpc = awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Vpc"), &awsec2.VpcAttributes{
		VpcId: jsii.String("vpc-0123456789abcdef0"), AvailabilityZones: jsii.Strings("eu-west-1a", "eu-west-1b"),
		PrivateSubnetIds: jsii.Strings("subnet-a", "subnet-b"), PrivateSubnetRouteTableIds: jsii.Strings("rtb-a", "rtb-b"),
	})
	newIngestion(stack, props)
	tpl := synth(t, stack)
	if got := render(tpl.one(t, "AWS::EC2::SecurityGroup", "IngestionSecurityGroup")["VpcId"]); got != "vpc-0123456789abcdef0" {
		t.Errorf("the security group is in %s", got)
	}
	want(t, tpl.one(t, "AWS::Lambda::Function", "IngestionRecordFunction"), map[string]string{
		"VpcConfig.SubnetIds.0": "subnet-a", "VpcConfig.SubnetIds.1": "subnet-b",
	})
}
