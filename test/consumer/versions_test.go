package consumer_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// awscdk is the module of which ingestion.OldestCDK and ingestion.NewestCDK are versions.
const awscdk = "github.com/aws/aws-cdk-go/awscdk/v2"

// TestTheRangeOfAwscdk builds, vets and synthesizes the program of README with both ends of the range.
func TestTheRangeOfAwscdk(t *testing.T) {
	for _, cdk := range []string{ingestion.OldestCDK, ingestion.NewestCDK} {
		t.Run(cdk, func(t *testing.T) {
			a := emptyApp(t, programOf(t))
			a.mustGo(t, "get", golambda.ThisModule()+"@"+version, awscdk+"@"+cdk)
			a.mustGo(t, "mod", "tidy")
			if mod := read(t, a.dir, "go.mod"); !strings.Contains(mod, awscdk+" "+cdk+"\n") {
				t.Fatalf("the app does not have awscdk %s, which go.mod of this module forbids or replaces:\n%s", cdk, mod)
			}
			a.mustGo(t, "vet", "./...")
			a.mustGo(t, "vet", golambda.ThisModule()+"/constructs/...")
			if got := len(a.synth(t, a.dir, "go", "run", ".")); got != functions {
				t.Errorf("got %d different programs, want %d", got, functions)
			}
		})
	}
}

func TestTheRangeOfAwscdkIsWhatIsDocumented(t *testing.T) {
	for file, want := range map[string]string{
		"README.md": "awscdk " + ingestion.OldestCDK + " to " + ingestion.NewestCDK,
		"go.mod":    awscdk + " " + ingestion.OldestCDK + "\n",
	} {
		if !strings.Contains(read(t, root, file), want) {
			t.Errorf("%s does not say %q", file, want)
		}
	}
}
