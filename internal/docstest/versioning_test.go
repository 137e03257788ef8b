package docs_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/internal/aws/sns"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// TestVersioningNamesTheContract: who changes a name that others depend on comes by docs/versioning.md.
func TestVersioningNamesTheContract(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs", "versioning.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, name := range []string{
		schema.RecordState, schema.PublishState, schema.EnvelopeKey,
		schema.EventsPrefix, schema.OutputsPrefix, schema.DerivedPrefix, schema.UnrecordedPrefix, schema.ReplaysPrefix,
		errs.InvalidEvent, errs.EventTooLarge, errs.OutputTooLarge, errs.ServiceUnavailable, errs.Internal,
	} {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/versioning.md does not name %s", name)
		}
	}
	for _, attribute := range attributesOfPublications(t) {
		if !strings.Contains(text, "`"+attribute+"`") {
			t.Errorf("docs/versioning.md does not name the message attribute %s", attribute)
		}
	}
}

// published keeps what was sent to SNS.
type published struct{ attributes []string }

func (p *published) Publish(_ context.Context, in *awssns.PublishInput, _ ...func(*awssns.Options)) (*awssns.PublishOutput, error) {
	p.attributes = slices.Sorted(maps.Keys(in.MessageAttributes))
	return &awssns.PublishOutput{}, nil
}

// attributesOfPublications are those of an automatic and of a requested replay together: all that there are.
func attributesOfPublications(t *testing.T) []string {
	t.Helper()
	var all []string
	row := domain.Execution{
		Name: "x", ResourceID: "x", OwnerID: "x", VersionID: "x", RecordedAt: domain.At(time.Now()),
		ReplayID: "x", Reason: "x", Target: "x", Attempt: 1,
	}
	for _, mode := range []domain.Mode{domain.API, domain.Auto} {
		var p published
		row.Mode = mode
		if err := sns.New(&p, "arn").Send(t.Context(), row, "{}"); err != nil {
			t.Fatal(err)
		}
		all = append(all, p.attributes...)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != 10 {
		t.Fatalf("got attributes %v, want 10", all)
	}
	return all
}
