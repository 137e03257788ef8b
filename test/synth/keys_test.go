package synth_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

// keyed is the template of a construct with a key of the app.
func keyed(t *testing.T) template {
	t.Helper()
	stack := newStack(t)
	props := valid(stack)
	props.EncryptionKey = awskms.NewKey(stack, jsii.String("Key"), &awskms.KeyProps{EnableKeyRotation: jsii.Bool(true)})
	newIngestion(stack, props)
	return synth(t, stack)
}

// encryptedWith is where a resource of each type that holds data names its key.
var encryptedWith = map[string]string{
	"AWS::S3::Bucket":                  "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.KMSMasterKeyID",
	"AWS::DynamoDB::Table":             "SSESpecification.KMSMasterKeyId",
	"AWS::SQS::Queue":                  "KmsMasterKeyId",
	"AWS::SNS::Topic":                  "KmsMasterKeyId",
	"AWS::Logs::LogGroup":              "KmsKeyId",
	"AWS::Lambda::Function":            "KmsKeyArn",
	"AWS::StepFunctions::StateMachine": "EncryptionConfiguration.KmsKeyId",
}

func TestEncryptionKeyCoversEverythingThatHoldsData(t *testing.T) {
	tpl := keyed(t)
	seen := map[string]int{}
	for id, r := range tpl.Resources {
		path, holdsData := encryptedWith[r.Type]
		if !holdsData {
			continue
		}
		seen[r.Type]++
		t.Run(id, func(t *testing.T) { want(t, r.Properties, map[string]string{path: "${Key.Arn}"}) })
	}
	expected := map[string]int{
		"AWS::S3::Bucket": 1, "AWS::DynamoDB::Table": 1, "AWS::SQS::Queue": 3, "AWS::SNS::Topic": 1, "AWS::Logs::LogGroup": 10,
		"AWS::Lambda::Function": 7, "AWS::StepFunctions::StateMachine": 2,
	}
	if !maps.Equal(seen, expected) {
		t.Errorf("got %v, want %v", seen, expected)
	}
	want(t, tpl.one(t, "AWS::S3::Bucket", "IngestionEventLog"), map[string]string{
		"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm": "aws:kms",
		"BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled":                           "true",
	})
	want(t, tpl.one(t, "AWS::DynamoDB::Table", "IngestionLedger"), map[string]string{"SSESpecification.SSEEnabled": "true", "SSESpecification.SSEType": "KMS"})
	want(t, tpl.one(t, "AWS::StepFunctions::StateMachine", "IngestionStateMachine"), map[string]string{"EncryptionConfiguration.Type": "CUSTOMER_MANAGED_KMS_KEY"})
}

func TestWithoutAKeyThoseOfAWSAreUsed(t *testing.T) {
	tpl := minimal(t)
	for id, r := range tpl.Resources {
		path, holdsData := encryptedWith[r.Type]
		if !holdsData {
			continue
		}
		key := "<nil>"
		if r.Type == "AWS::SNS::Topic" {
			key = "alias/aws/sns"
		}
		t.Run(id, func(t *testing.T) { want(t, r.Properties, map[string]string{path: key}) })
	}
	for _, line := range permissions(t, tpl) {
		if strings.Contains(line, "kms:") {
			t.Errorf("a key's permission without a key: %s", line)
		}
	}
}

// statements of a key's policy, by the service that they are for.
func keyPolicy(t *testing.T, tpl template, id string) map[string]string {
	t.Helper()
	byService := map[string]string{}
	for _, s := range tpl.one(t, "AWS::KMS::Key", id)["KeyPolicy"].(map[string]any)["Statement"].([]any) {
		s := s.(map[string]any)
		if s["Action"] == "kms:*" { // the account's own, by which IAM decides
			continue
		}
		service := render(s["Principal"].(map[string]any)["Service"])
		byService[service] += strings.TrimSpace(fmt.Sprintf("%v %s", s["Action"], inline(t, s["Condition"])))
	}
	return byService
}

// TestServicesMayUseTheKey: CloudWatch Logs for our log groups only. EventBridge does not say for whom; the policies of the
// queues bind it to our rules.
func TestServicesMayUseTheKey(t *testing.T) {
	got := keyPolicy(t, keyed(t), "Key")
	for service, expected := range map[string]string{
		"events.amazonaws.com": `[kms:Decrypt kms:GenerateDataKey] null`,
		"logs.${AWS::Region}.${AWS::URLSuffix}": `[kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext ` +
			`kms:ReEncryptFrom kms:ReEncryptTo] {"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"}}`,
		"delivery.logs.amazonaws.com": "kms:Decrypt* null", // CDK's, for the logs of state machines
	} {
		if got[service] != expected {
			t.Errorf("%s: got %s, want %s", service, got[service], expected)
		}
		delete(got, service)
	}
	if len(got) > 0 {
		t.Errorf("others may use the key, too: %v", got)
	}
}

// TestRolesUseTheKeyThroughServices: a role that could decrypt by itself could read what it fetched elsewhere.
func TestRolesUseTheKeyThroughServices(t *testing.T) {
	via := map[string][]string{}
	for _, line := range permissions(t, keyed(t)) {
		fields := strings.SplitN(line, "  ", 4)
		if !strings.HasPrefix(fields[1], "kms:") {
			continue
		}
		if fields[2] != "${Key.Arn}" || len(fields) != 4 {
			t.Errorf("not bound to the key, or to a service: %s", line)
			continue
		}
		machine := strings.Contains(fields[3], "kms:EncryptionContext:") // Step Functions uses the key in the role's name
		if !machine && !strings.Contains(fields[3], "kms:ViaService") {
			t.Errorf("not through a service: %s", line)
		}
		if fields[1] == "kms:Decrypt" && !machine {
			for _, service := range []string{"dynamodb", "lambda", "s3", "sns", "sqs", "states"} {
				if strings.Contains(fields[3], `"`+service+".${AWS::Region}.${AWS::URLSuffix}\"") {
					via[fields[0]] = append(via[fields[0]], service)
				}
			}
		}
	}
	for role := range via {
		slices.Sort(via[role])
	}
	expected := map[string]string{
		"IngestionRecordRole":         "[dynamodb lambda s3]",
		"IngestionPublishRole":        "[dynamodb lambda s3 sns]",
		"IngestionTrackerRole":        "[dynamodb lambda sqs]",
		"IngestionAutoReplayRole":     "[dynamodb lambda s3 sqs states]",
		"IngestionReplayHandlerRole":  "[dynamodb lambda s3 sqs]",
		"IngestionReplayListenerRole": "[dynamodb lambda s3 sns sqs states]",
		"IngestionSeriesRole":         "[dynamodb lambda s3 sns sqs]",
	}
	for role, services := range expected {
		if got := fmt.Sprint(via[role]); got != services {
			t.Errorf("%s: decrypts through %s, want %s", role, got, services)
		}
	}
	if len(via) != len(expected) {
		t.Errorf("got %v", via)
	}
}

// TestMachinesMayUseTheKey: CDK's own statement is for a state machine without a name, and no machine's ARN is that.
func TestMachinesMayUseTheKey(t *testing.T) {
	lines := permissions(t, keyed(t))
	for _, role := range []string{"IngestionStateMachineRole", "IngestionSeriesMachineRole"} {
		for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
			line := role + "  " + action + `  ${Key.Arn}  if {"ArnLike":{"kms:EncryptionContext:aws:states:stateMachineArn":` +
				`"arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*"}}`
			if !slices.Contains(lines, line) {
				t.Errorf("no line %s", line)
			}
		}
	}
}

func TestAnImportedKeyIsWarnedAbout(t *testing.T) {
	for _, imported := range []bool{true, false} {
		stack := newStack(t)
		props := valid(stack)
		if imported {
			props.EncryptionKey = awskms.Key_FromKeyArn(stack, jsii.String("Key"), jsii.String("arn:aws:kms:eu-west-1:123456789012:key/8e03978e-40d5-43e8-bc93-6894a57f9324"))
		} else {
			props.EncryptionKey = awskms.NewKey(stack, jsii.String("Key"), nil)
		}
		newIngestion(stack, props)
		warnings := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Ingestion"),
			assertions.Match_StringLikeRegexp(jsii.String("EncryptionKey is imported.*docs/security.md")))
		if got := len(warnings) > 0; got != imported {
			t.Errorf("imported %v: got a warning: %v", imported, got)
		}
	}
}

func TestExistingResourcesKeepTheirOwnKeys(t *testing.T) {
	stack := newStack(t)
	key := func(id string) awskms.IKey { return awskms.NewKey(stack, jsii.String(id), nil) }
	props := valid(stack)
	props.EncryptionKey = key("Key")
	props.EventLog = awss3.NewBucket(stack, jsii.String("Mine"), &awss3.BucketProps{Versioned: jsii.Bool(true), EncryptionKey: key("BucketKey")})
	props.Topic = awssns.NewTopic(stack, jsii.String("News"), &awssns.TopicProps{MasterKey: key("TopicKey")})
	newIngestion(stack, props)
	users := map[string][]string{}
	for _, line := range permissions(t, synth(t, stack)) {
		fields := strings.SplitN(line, "  ", 4)
		if strings.HasPrefix(fields[1], "kms:") && strings.Contains(fields[1], "*") {
			t.Errorf("too wide: %s", line)
		}
		if fields[1] == "kms:Decrypt" && len(fields) == 3 {
			users[fields[2]] = append(users[fields[2]], strings.TrimSuffix(strings.TrimPrefix(fields[0], "Ingestion"), "Role"))
		}
		if strings.Contains(line, "${Key.Arn}") && (strings.Contains(line, `"s3.`) || strings.Contains(line, `"sns.`)) {
			t.Errorf("EncryptionKey is used for what has its own: %s", line)
		}
	}
	for id, expected := range map[string]string{
		"${BucketKey.Arn}": "[AutoReplay Publish Record ReplayHandler ReplayListener Series]",
		"${TopicKey.Arn}":  "[Publish ReplayListener Series]",
	} {
		if got := fmt.Sprint(users[id]); got != expected {
			t.Errorf("%s: used by %s, want %s", id, got, expected)
		}
	}
}

// TestAKeyOfAnotherStack must not make the two stacks need each other.
func TestAKeyOfAnotherStack(t *testing.T) {
	app := newApp(t, nil)
	shared := awscdk.NewStack(app, jsii.String("Shared"), nil)
	key := awskms.NewKey(shared, jsii.String("Key"), nil)
	stack := awscdk.NewStack(app, jsii.String("Test"), nil)
	props := valid(stack)
	props.EncryptionKey = key
	if message := panics(func() { newIngestion(stack, props); app.Synth(nil) }); message != "" {
		t.Errorf("got %s", message)
	}
	if got := keyPolicy(t, synth(t, shared), "Key"); got["events.amazonaws.com"] == "" {
		t.Errorf("got %v", got)
	}
}

// TestDocumentedKeyPolicy: who imports a key copies these statements, and everything stands still if one is missing.
func TestDocumentedKeyPolicy(t *testing.T) {
	var statements []any
	for _, s := range keyed(t).one(t, "AWS::KMS::Key", "Key")["KeyPolicy"].(map[string]any)["Statement"].([]any) {
		if s.(map[string]any)["Action"] != "kms:*" {
			statements = append(statements, asText(s))
		}
	}
	b, err := json.MarshalIndent(statements, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	expected := strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::Region}", "REGION", "${AWS::AccountId}", "ACCOUNT",
		"${AWS::URLSuffix}", "amazonaws.com").Replace(string(b))
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "```json\n"+expected+"\n```") {
		t.Errorf("docs/security.md does not show\n%s", expected)
	}
}
