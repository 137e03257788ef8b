package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// account is CloudFormation with stacks, two on a page.
type account struct {
	stacks []types.Stack
	asked  int
}

func (a *account) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	a.asked++
	if in.StackName != nil {
		for _, s := range a.stacks {
			if *s.StackName == *in.StackName {
				return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{s}}, nil
			}
		}
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id " + *in.StackName + " does not exist"}
	}
	from := 0
	if in.NextToken != nil {
		_, _ = fmt.Sscan(*in.NextToken, &from)
	}
	out := &cloudformation.DescribeStacksOutput{Stacks: a.stacks[from:min(from+2, len(a.stacks))]}
	if from+2 < len(a.stacks) {
		out.NextToken = aws.String(fmt.Sprint(from + 2))
	}
	return out, nil
}

func (a *account) add(name string, values ...string) {
	s := types.Stack{StackName: &name, Outputs: []types.Output{{OutputKey: aws.String("Url"), OutputValue: aws.String("https://x")}}}
	for i, v := range values {
		s.Outputs = append(s.Outputs, types.Output{OutputKey: aws.String(fmt.Sprint("Manifest", i)), OutputValue: &v})
	}
	a.stacks = append(a.stacks, s)
}

func of(stack, id string) config.Manifest {
	return config.Manifest{Stack: stack, Path: stack + "/" + id, APIURL: "https://" + stack + id}
}

func TestIngestionsAreFoundInOutputs(t *testing.T) {
	a := &account{}
	a.add("vpc")
	a.add("shop", of("shop", "Orders").Encode(), of("shop", "Carts").Encode())
	a.add("dns")
	a.add("listings", of("listings", "Listings").Encode())
	f := Finder{Stacks: a}
	all, err := f.All(t.Context(), "")
	if err != nil || len(all) != 3 || all[0].Path != "listings/Listings" || all[1].Path != "shop/Carts" || all[2].Path != "shop/Orders" {
		t.Fatalf("got %+v, %v, want three in order", all, err)
	}
	if one, err := f.All(t.Context(), "shop"); err != nil || len(one) != 2 {
		t.Errorf("got %+v, %v, want those of the stack", one, err)
	}
	if _, err := f.All(t.Context(), "shops"); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "stack shops does not exist") {
		t.Errorf("got %v, want that there is no such stack", err)
	}
	if none, err := f.All(t.Context(), "vpc"); err != nil || len(none) != 0 {
		t.Errorf("got %+v, %v, want none", none, err)
	}
}

// A newer construct elsewhere in the account does not get in the way.
func TestAManifestThatCannotBeReadMattersOnlyWhereItIsMeant(t *testing.T) {
	a := &account{}
	a.add("new", `{"replayableIngestion":2,"path":"new/New"}`)
	a.add("listings", of("listings", "Listings").Encode())
	f := Finder{Stacks: a}
	if all, err := f.All(t.Context(), ""); err != nil || len(all) != 1 {
		t.Errorf("got %+v, %v, want the other one", all, err)
	}
	if _, err := f.All(t.Context(), "new"); err == nil || !strings.Contains(err.Error(), "update it") {
		t.Errorf("got %v, want what to do", err)
	}
}

func TestChoosing(t *testing.T) {
	all := []config.Manifest{of("prod", "Listings"), of("shop", "Carts"), of("shop", "Orders")}
	for path, want := range map[string]string{"Carts": "shop/Carts", "shop/Orders": "shop/Orders", "prod/Listings": "prod/Listings"} {
		if got, err := Choose(all, path); err != nil || got.Path != want {
			t.Errorf("%s: got %s, %v, want %s", path, got.Path, err, want)
		}
	}
	if got, err := Choose(all[:1], ""); err != nil || got.Path != "prod/Listings" {
		t.Errorf("got %v, %v, want the only one", got.Path, err)
	}
	var several *SeveralError
	if _, err := Choose(all, ""); !errors.As(err, &several) || len(several.Found) != 3 {
		t.Errorf("got %v, want all three named", err)
	}
	if _, err := Choose(all, "istings"); !errors.As(err, &several) || len(several.Found) != 3 {
		t.Errorf("got %v, want all three named: a part of a name is no name", err)
	}
	if _, err := Choose(nil, ""); !errors.Is(err, ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
}

func TestWhatWasFoundIsKeptForAWhile(t *testing.T) {
	a := &account{}
	a.add("listings", of("listings", "Listings").Encode())
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "replayctl")
	finder := func(key string, refresh bool) *Finder {
		return &Finder{Stacks: a, Cache: &Cache{Dir: dir, Key: key, TTL: time.Hour, Now: func() time.Time { return now }, Refresh: refresh}}
	}
	for i, step := range []struct {
		name    string
		key     string
		refresh bool
		pass    time.Duration
		asked   int
	}{
		{"the first time", "a", false, 0, 1},
		{"from the cache", "a", false, 0, 1},
		{"another account", "b", false, 0, 2},
		{"asked to look again", "a", true, 0, 3},
		{"just before it is too old", "a", false, 59 * time.Minute, 3},
		{"too old", "a", false, time.Minute, 4},
		{"a clock that was set back", "a", false, -2 * time.Hour, 5},
	} {
		now = now.Add(step.pass)
		all, err := finder(step.key, step.refresh).All(t.Context(), "")
		if err != nil || len(all) != 1 || all[0].APIURL != "https://listingsListings" {
			t.Fatalf("step %d: got %+v, %v", i, all, err)
		}
		if a.asked != step.asked {
			t.Errorf("%s: asked %d times, want %d", step.name, a.asked, step.asked)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("got %v, %v, want a file per account", files, err)
	}
	for _, f := range files { // a damaged cache is none
		if err := os.WriteFile(filepath.Join(dir, f.Name()), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := finder("a", false).All(t.Context(), ""); err != nil || len(all) != 1 || a.asked != 6 {
		t.Errorf("got %+v, %v after %d questions", all, err, a.asked)
	}
}
