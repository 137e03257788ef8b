package synth_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// finding is a line of cdk-nag's report.
type finding struct {
	Rule       string `json:"ruleId"`
	Resource   string `json:"resourceId"`
	Compliance string `json:"compliance"`
	Reason     string `json:"exceptionReason"`
	Info       string `json:"ruleInfo"`
}

// nag applies the rules AwsSolutions to the app of a stack and returns what they find, suppressed or not.
func nag(t *testing.T, stack awscdk.Stack) (open, suppressed []finding) {
	t.Helper()
	app := stack.Node().Root().(awscdk.App)
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		Reports: jsii.Bool(true), ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON},
	}), nil)
	panics(func() { app.Synth(nil) }) // with findings, it does
	files, err := filepath.Glob(filepath.Join(*app.Outdir(), "*NagReport.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got reports %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var report struct{ Lines []finding }
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	compliant := 0
	for _, f := range report.Lines {
		switch f.Compliance {
		case "Compliant":
			compliant++
		case "Suppressed":
			suppressed = append(suppressed, f)
		default: // Non-Compliant, and rules that could not decide
			open = append(open, f)
		}
	}
	if compliant < 40 {
		t.Errorf("only %d checks passed: did the rules run?", compliant)
	}
	return open, suppressed
}

// suppressions returns the reason of every suppression in a template, by the resource's path and the rule.
func suppressions(t *testing.T, stack awscdk.Stack) map[string][]string {
	t.Helper()
	type withMetadata struct {
		Metadata struct {
			Nag struct {
				Rules []struct{ ID, Reason string } `json:"rules_to_suppress"`
			} `json:"cdk_nag"`
		}
	}
	paths := map[string]string{}
	for _, c := range *stack.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		if resource, ok := c.(awscdk.CfnResource); ok {
			paths[*stack.GetLogicalId(resource)] = *resource.Node().Path()
		}
	}
	app := stack.Node().Root().(awscdk.App)
	b, err := os.ReadFile(filepath.Join(*app.Outdir(), *stack.TemplateFile())) // a validated app with findings gives none out
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Resources map[string]withMetadata }
	if err := json.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for id, r := range template.Resources {
		for _, rule := range r.Metadata.Nag.Rules {
			key := paths[id] + " " + rule.ID
			all[key] = append(all[key], rule.Reason)
		}
	}
	return all
}

// TestNagFindsNothing runs cdk-nag over every stage of the example and over the variants of the construct, and holds each
// suppression to account: it has a reason, and answers something that is really found.
func TestNagFindsNothing(t *testing.T) {
	stacks := stacks()
	// By path within the construct: the same suppression may have nothing to answer in one variant.
	stated, used := map[string]string{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(stacks)) {
		t.Run(name, func(t *testing.T) {
			stack := stacks[name](t)
			open, suppressed := nag(t, stack)
			variant := variants()[name] != nil
			for _, f := range open {
				if !variant || strings.HasPrefix(f.Resource, "Test/Ingestion/") { // what else variants need is not ours
					t.Errorf("%s %s %s: %s", f.Resource, f.Rule, f.Compliance, f.Info)
				}
			}
			for key, reasons := range suppressions(t, stack) {
				for _, reason := range reasons {
					stated[within(key)+" "+reason] = name
					if len(reason) < 40 {
						t.Errorf("%s: %q is no reason", key, reason)
					}
				}
			}
			for _, f := range suppressed {
				reason := f.Reason
				if strings.HasPrefix(reason, "[") { // what of the resource it is about stands before it
					_, reason, _ = strings.Cut(reason, "] ")
				}
				used[within(f.Resource+" "+f.Rule)+" "+reason] = true
			}
		})
	}
	for key, name := range stated {
		if !used[key] {
			t.Errorf("%s: nothing is found that this answers: %s", name, key)
		}
	}
	if len(stated) < 20 {
		t.Errorf("found %d suppressions: is the search broken?", len(stated))
	}
}

// within is a path without the stack and the construct.
func within(path string) string {
	for _, prefix := range []string{"Test/Ingestion/", "listings-dev/Listings/", "listings-staging/Listings/", "listings-prod/Listings/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			return rest
		}
	}
	return path
}
