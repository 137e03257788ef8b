package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// deployed joins the templates with what the emulator created.
type deployed struct {
	resources []deployedResource
	outputs   map[string]map[string]string // by stack and output
	templates map[string][]byte            // by stack
	functions map[string]string            // function names by short name; filled when they are hosted
}

// deployedResource is a resource of a deployed stack.
type deployedResource struct {
	resource
	stack      string
	logicalID  string
	physicalID string
	assets     map[string]string // directories by S3 key, of the whole stack
}

// readDeployed joins the templates with the stacks. A resource that the emulator left out is an error.
func readDeployed(ctx context.Context, cfg aws.Config, stacks []assemblyStack) (*deployed, error) {
	client := cloudformation.NewFromConfig(cfg)
	d := &deployed{outputs: map[string]map[string]string{}, templates: map[string][]byte{}, functions: map[string]string{}}
	for _, stack := range stacks {
		var t template
		if err := readJSON(stack.template, &t); err != nil {
			return nil, err
		}
		var err error
		if d.templates[stack.name], err = os.ReadFile(stack.template); err != nil {
			return nil, err
		}
		var a assets
		if err := readJSON(stack.assets, &a); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is optional
			return nil, err
		}
		ids, err := physicalIDs(ctx, client, stack.name)
		if err != nil {
			return nil, err
		}
		dirs := a.directories(stack.dir)
		for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
			if ids[id] == "" && t.Resources[id].Type != "AWS::CDK::Metadata" {
				return nil, fmt.Errorf("stack %s: the emulator has no resource %s", stack.name, id)
			}
			d.resources = append(d.resources, deployedResource{t.Resources[id], stack.name, id, ids[id], dirs})
		}
		if d.outputs[stack.name], err = outputs(ctx, client, stack.name); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func physicalIDs(ctx context.Context, client *cloudformation.Client, stack string) (map[string]string, error) {
	ids := map[string]string{}
	pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the resources of %s: %w", stack, err)
		}
		for _, r := range page.StackResourceSummaries {
			ids[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
		}
	}
	return ids, nil
}

func outputs(ctx context.Context, client *cloudformation.Client, stack string) (map[string]string, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", stack, err)
	}
	if len(out.Stacks) != 1 {
		return nil, fmt.Errorf("describe %s: got %d stacks, want 1", stack, len(out.Stacks))
	}
	values := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		values[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return values, nil
}

// ofType returns the resources of a CloudFormation type.
func (d *deployed) ofType(name string) []deployedResource {
	var rs []deployedResource
	for _, r := range d.resources {
		if r.Type == name {
			rs = append(rs, r)
		}
	}
	return rs
}

// properties decodes the properties of a resource in the template, if it has any.
func (r deployedResource) properties(into any) error {
	if len(r.Properties) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Properties, into); err != nil {
		return fmt.Errorf("properties of %s: %w", r.logicalID, err)
	}
	return nil
}

// shortestNames gives each function its shortest unique name.
func shortestNames(functions []deployedResource) []string {
	called := map[string]int{}
	for _, f := range functions {
		for _, n := range f.names() {
			called[n]++
		}
	}
	names := make([]string, len(functions))
	for i, f := range functions {
		for _, n := range slices.Backward(f.names()) {
			if called[n] == 1 || names[i] == "" {
				names[i] = n
			}
		}
	}
	return names
}

// names are the possible names for a path such as listings-dev/Listings/RecordFunction/Resource, shortest first:
// Record, Listings-Record, listings-dev-Listings-Record.
func (r deployedResource) names() []string {
	path := strings.TrimSuffix(strings.TrimSuffix(r.Metadata.Path, "/Resource"), "Function")
	all := strings.Split(path, "/")
	return slices.Compact([]string{all[len(all)-1], strings.Join(all[1:], "-"), strings.Join(all, "-")})
}
