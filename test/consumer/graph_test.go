package consumer_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
)

// Who imports the construct gets neither what develops it nor what only its black-box tests need: not compiled, and not in
// the list of modules from which versions are selected.
func TestOnlyTheProductIsInTheGraphOfAnApp(t *testing.T) {
	p := plain(t)
	product := golambda.ThisModule()
	graph, err := p.run(p.dir, "go", "mod", "graph")
	if err != nil {
		t.Fatalf("%v\n%s", err, graph)
	}
	all, err := p.run(p.dir, "go", "list", "-m", "all")
	if err != nil {
		t.Fatalf("%v\n%s", err, all)
	}
	if !strings.Contains(all, product+" "+version) {
		t.Fatalf("the app's modules lack the product: the test proves nothing\n%s", all)
	}
	for _, unwanted := range []string{
		product + "/dev", product + "/test", "github.com/getkin/kin-openapi", "github.com/creack/pty",
		"github.com/cdklabs/cdk-nag-go",
	} {
		if strings.Contains(all, unwanted) {
			t.Errorf("%s is among the app's modules", unwanted)
		}
		for line := range strings.Lines(graph) {
			if from, to, _ := strings.Cut(line, " "); strings.HasPrefix(from, product+"@") && strings.HasPrefix(to, unwanted) {
				t.Errorf("the product requires %s", to)
			}
		}
	}
}
