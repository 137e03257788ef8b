package synth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// wild are the permissions with a "*" in them, and why there is no narrower one. docs/permissions.md shows them.
var wild = []struct {
	action, resource string // regular expressions for the whole of each
	what, reason     string
}{
	{`s3:(Get|Put)Object(Version)?`, `\$\{.*EventLog\.Arn\}/(events|outputs|derived|unrecorded|replays)/\*`,
		"objects under a prefix of the event log: `/*`", "One object per resource, execution or replay. Their names are not known before; the prefix says what they are."},
	{`states:(Describe|Stop|Redrive)Execution|states:GetExecutionHistory`, `arn:.*:execution:(\$\{.*\.Name\}|existing):\*`,
		"executions of one state machine: `:*`", "Their names are not known before."},
	{`states:RedriveExecution`, `arn:.*:execution:\$\{.*\.Name\}/each:\*`,
		"executions of a Distributed Map: `/<label>:*`", "The runs of the Map and their executions get their names from Step Functions."},
	{`ec2:(Create|Describe|Delete)NetworkInterfaces?|ec2:DescribeSubnets|ec2:(Assign|Unassign)PrivateIpAddresses`, `\*`,
		"network interfaces, with `Vpc`: `*`", "Lambda makes them in the role's name, and their ids are not known before. The functions' own code is denied the same."},
	{`xray:.*`, `\*`, "traces: `*`", "X-Ray's actions know no resources."},
	{`logs:(Create|Get|Update|Delete|List)LogDeliver(y|ies)|logs:(Put|Describe)ResourcePolic(y|ies)|logs:DescribeLogGroups`, `\*`,
		"deliveries of the logs of state machines: `*`", "Step Functions sets up the delivery of its logs with the state machine's role. These actions know no resources."},
}

// wildReason returns the place in wild of what a line of permissions needs, or -1.
func wildReason(action, resource string) int {
	for i, w := range wild {
		if regexp.MustCompile(`^(`+w.action+`)$`).MatchString(action) && regexp.MustCompile(`^(`+w.resource+`)$`).MatchString(resource) {
			return i
		}
	}
	return -1
}

// TestEveryWildcardHasAReason looks at the example, too, where it is not the example's own.
func TestEveryWildcardHasAReason(t *testing.T) {
	used := map[int]bool{}
	for name, tpl := range wildTemplates(t) {
		for _, line := range permissions(t, tpl) {
			fields := strings.SplitN(line, "  ", 4)
			role, action, resource := fields[0], fields[1], fields[2]
			if strings.Contains(action, "*") {
				t.Errorf("%s: %s may do %s: name the actions", name, role, action)
			}
			if !strings.Contains(resource, "*") {
				continue
			}
			i := wildReason(action, resource)
			if i < 0 {
				t.Errorf("%s: %s may do %s on %s: name the resource, or say in wild why that is impossible", name, role, action, resource)
			}
			used[i] = true
		}
	}
	for i, w := range wild {
		if !used[i] {
			t.Errorf("nothing needs the reason for %s on %s", w.action, w.resource)
		}
	}
}

func wildTemplates(t *testing.T) map[string]template {
	t.Helper()
	all := map[string]template{"minimal": minimal(t), "with a key": keyed(t), "in a VPC": networked(t)}
	for _, w := range otherWorkflows {
		all[w.title] = withWorkflow(t, w.make)
	}
	return all
}

// otherWorkflows are those that add permissions by themselves.
var otherWorkflows = []struct {
	title string
	make  func(awscdk.Stack) ingestion.Workflow
}{
	{"With `FromStateMachine`, in addition", func(s awscdk.Stack) ingestion.Workflow {
		return ingestion.FromStateMachine(existing(s), nil)
	}},
	{"With `FromStateMachine` of an EXPRESS one, in addition", func(s awscdk.Stack) ingestion.Workflow {
		return ingestion.FromStateMachine(existing(s), &ingestion.StateMachineOptions{
			StateMachineType: awsstepfunctions.StateMachineType_EXPRESS,
		})
	}},
	{"With a Distributed Map in a definition, in addition", fromDefinition(`{"StartAt":"Each","States":{"Each":{"Type":"Map","Label":"each",
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"One","States":{"One":{"Type":"Pass","End":true}}},"End":true}}}`, nil)},
}

func existing(stack awscdk.Stack) awsstepfunctions.IStateMachine {
	return awsstepfunctions.StateMachine_FromStateMachineName(stack, jsii.String("Existing"), jsii.String("existing"))
}

func withWorkflow(t *testing.T, workflow func(awscdk.Stack) ingestion.Workflow) template {
	t.Helper()
	stack := newStack(t)
	newIngestion(stack, &ingestion.ReplayableIngestionProps{Workflow: workflow(stack), ResourceIdPath: jsii.String("$.id")})
	return synth(t, stack)
}

// TestPermissions holds the exact table of what each role may do. It is a document that users read before they deploy.
func TestPermissions(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteString(permissionsIntro)
	base := permissions(t, minimal(t))
	writePermissions(&doc, "##", base)
	doc.WriteString("\n## With `EncryptionKey`, in addition\n")
	writePermissions(&doc, "###", without(permissions(t, keyed(t)), base))
	doc.WriteString("\n## With `Vpc`, in addition\n")
	writePermissions(&doc, "###", without(permissions(t, networked(t)), base))
	for _, w := range otherWorkflows {
		doc.WriteString("\n## " + w.title + "\n")
		writePermissions(&doc, "###", without(permissions(t, withWorkflow(t, w.make)), base))
	}
	doc.WriteString("\n## Why there is a `*`\n\nA test fails on any other one.\n\n| for | because |\n|---|---|\n")
	for _, w := range wild {
		fmt.Fprintf(&doc, "| %s | %s |\n", w.what, w.reason)
	}
	written(t, "permissions.md", doc.Bytes())
}

const permissionsIntro = `# Permissions

What each role of the construct may do, to the last action. This file is written from a synthesized template by
` + "`make golden`" + `, and a test compares the two. Names in ` + "`${}`" + ` are resources of the construct. Everything else that has a
role is your own: the states of your workflow add what they need to the role of the state machine.
`

func TestPublishWritesOutputsOnlyIfTheyAreStored(t *testing.T) {
	writes := func(stored bool) bool {
		stack := newStack(t)
		props := valid(stack)
		props.StoreOutputs = jsii.Bool(stored)
		newIngestion(stack, props)
		return slices.ContainsFunc(permissions(t, synth(t, stack)), func(line string) bool {
			return strings.Contains(line, "s3:PutObject") && strings.Contains(line, "/outputs/")
		})
	}
	if !writes(true) || writes(false) {
		t.Errorf("may write outputs: %v with StoreOutputs, %v without", writes(true), writes(false))
	}
}

func without(lines, others []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return slices.Contains(others, line) })
}

// writePermissions writes a table per role.
func writePermissions(doc *bytes.Buffer, level string, lines []string) {
	byRole := map[string][]string{}
	for _, line := range lines {
		role, rest, _ := strings.Cut(line, "  ")
		byRole[role] = append(byRole[role], rest)
	}
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		fmt.Fprintf(doc, "\n%s %s\n\n| may | on | if |\n|---|---|---|\n", level, strings.TrimPrefix(role, "Ingestion"))
		// Actions on the same resource stand in one row.
		byResource, order := map[string][]string{}, []string{}
		for _, line := range byRole[role] {
			action, resource, _ := strings.Cut(line, "  ")
			if byResource[resource] == nil {
				order = append(order, resource)
			}
			byResource[resource] = append(byResource[resource], "`"+action+"`")
		}
		for _, r := range order {
			resource, condition, conditional := strings.Cut(r, "  if ")
			if conditional {
				condition = "`" + condition + "`"
			}
			fmt.Fprintf(doc, "| %s | `%s` | %s |\n", strings.Join(byResource[r], ", "), strings.ReplaceAll(resource, "${Ingestion", "${"), condition)
		}
	}
}

// written compares got with a file in docs, or rewrites the file.
func written(t *testing.T, name string, got []byte) {
	t.Helper()
	golden(t, filepath.Join("..", "..", "..", "docs", name), got)
}

// TestWhoMayUseTheRoles: each role says which service may use it, and for whom where the service says so.
func TestWhoMayUseTheRoles(t *testing.T) {
	for id, role := range minimal(t).ofType("AWS::IAM::Role") {
		b, err := json.Marshal(role.Properties["AssumeRolePolicyDocument"])
		if err != nil {
			t.Fatal(err)
		}
		trust := string(b)
		for _, service := range []string{"states.amazonaws.com", "scheduler.amazonaws.com"} {
			if strings.Contains(trust, service) && (!strings.Contains(trust, "aws:SourceAccount") || !strings.Contains(trust, "aws:SourceArn")) {
				t.Errorf("%s: %s may use it for anybody: %s", id, service, trust)
			}
		}
		if !strings.Contains(trust, `"Service":`) || strings.Contains(trust, `"AWS":`) {
			t.Errorf("%s: somebody else than a service may use it: %s", id, trust)
		}
	}
}

// TestServicesActForOurResourcesOnly: what lets a service call a function or write to a queue names the resource that
// it acts for.
func TestServicesActForOurResourcesOnly(t *testing.T) {
	tpl := minimal(t)
	permissions := tpl.ofType("AWS::Lambda::Permission")
	if len(permissions) == 0 {
		t.Error("no function may be called by a service")
	}
	for id, p := range permissions {
		if arn := render(p.Properties["SourceArn"]); !strings.HasPrefix(arn, "arn:${AWS::Partition}:execute-api:") || !strings.Contains(arn, "${IngestionApi}/") {
			t.Errorf("%s: %s may call the function for %s", id, p.Properties["Principal"], arn)
		}
	}
	rules := 0
	for id, policy := range tpl.ofType("AWS::SQS::QueuePolicy") {
		for _, s := range policy.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			s := s.(map[string]any)
			if s["Effect"] == "Deny" {
				continue
			}
			rules++
			condition := fmt.Sprint(s["Condition"])
			if !strings.Contains(condition, "ArnEquals:map[aws:SourceArn:map[Fn::GetAtt:[Ingestion") {
				t.Errorf("%s: %v may send for %s", id, s["Principal"], condition)
			}
		}
	}
	if rules != 4 {
		t.Errorf("%d services may write to queues, want EventBridge for two rules of each of two", rules)
	}
	if n := len(tpl.ofType("AWS::Logs::ResourcePolicy")); n != 0 {
		t.Errorf("%d policies let services write to log groups: nothing needs one", n)
	}
}
