// Package stack finds the ingestions of an account and Region by the outputs of their stacks.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// Finder finds ingestions.
type Finder struct {
	Stacks cloudformation.DescribeStacksAPIClient
	Cache  *Cache // may be nil
}

// ErrNone means that no ingestion was found.
var ErrNone = errors.New("no ingestion found")

// SeveralError means that it must be said which ingestion is meant.
type SeveralError struct{ Found []config.Manifest }

func (e *SeveralError) Error() string {
	return fmt.Sprintf("there are %d ingestions: say which", len(e.Found))
}

// All lists the ingestions of a stack, or of every stack if name is empty, by path.
func (f *Finder) All(ctx context.Context, name string) ([]config.Manifest, error) {
	if found, ok := f.Cache.read(name); ok {
		return found, nil
	}
	in := &cloudformation.DescribeStacksInput{}
	if name != "" {
		in.StackName = &name
	}
	var all []config.Manifest
	var damaged error
	pages := cloudformation.NewDescribeStacksPaginator(f.Stacks, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if missing(err, name) {
			return nil, fmt.Errorf("stack %s does not exist: %w", name, ErrNone)
		}
		if err != nil {
			return nil, fmt.Errorf("look for stacks: %w", err)
		}
		for _, s := range page.Stacks {
			found, err := ingestions(s)
			all, damaged = append(all, found...), errors.Join(damaged, err)
		}
	}
	if damaged != nil && (name != "" || len(all) == 0) {
		return nil, damaged // damage in other stacks is ignored
	}
	slices.SortFunc(all, func(a, b config.Manifest) int {
		return cmp.Or(strings.Compare(a.Stack, b.Stack), strings.Compare(a.Path, b.Path))
	})
	f.Cache.write(name, all)
	return all, nil
}

// missing tells CloudFormation's answer to the name of a stack that it does not have.
func missing(err error, name string) bool {
	var api smithy.APIError
	return name != "" && errors.As(err, &api) && api.ErrorCode() == "ValidationError"
}

func ingestions(s types.Stack) (found []config.Manifest, damaged error) {
	for _, o := range s.Outputs {
		i, err := config.DecodeManifest(aws.ToString(o.OutputValue))
		switch {
		case errors.Is(err, config.ErrNotManifest):
		case err != nil:
			damaged = errors.Join(damaged, fmt.Errorf("stack %s, output %s: %w", aws.ToString(s.StackName), aws.ToString(o.OutputKey), err))
		default:
			found = append(found, i)
		}
	}
	return found, damaged
}

// Choose picks the ingestion that is meant: the only one, or the one at a path. A path may lack its beginning: Listings
// is listings-prod/Listings.
func Choose(all []config.Manifest, path string) (config.Manifest, error) {
	fits := all
	if path != "" {
		fits = slices.DeleteFunc(slices.Clone(all), func(i config.Manifest) bool {
			return i.Path != path && !strings.HasSuffix(i.Path, "/"+path)
		})
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		return config.Manifest{}, &SeveralError{Found: fits}
	case len(all) > 0:
		return config.Manifest{}, fmt.Errorf("none of them is at %s: %w", path, &SeveralError{Found: all})
	default:
		return config.Manifest{}, ErrNone
	}
}

// DefaultTTL is how long what was found counts as found. An ingestion keeps its names as long as it lives.
const DefaultTTL = 12 * time.Hour

// Target is an ingestion and how to reach it.
type Target struct {
	config.Manifest // of an API that was named by its URL: only that and the Region
	AWS             aws.Config
	Lacks           []Lack // of a stack on this machine
}
