package replay

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/forms.json")

// What Decode accepts, a client that validates by docs/openapi.yaml must be able to send; and what it makes of that is
// what the document says of answers. The validator is not for the module of those who import this package: test/openapi
// reads the file.
func TestFormsAreWhatTheDocumentIsHeldAgainst(t *testing.T) {
	const file = "testdata/forms.json"
	type form struct {
		Name, Body string
		Frozen     Request
	}
	var all []form
	for _, tt := range everyForm() {
		all = append(all, form{tt.name, tt.body, tt.want})
	}
	want, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what everyForm has: go test ./replay -run TestForms -update", file)
	}
}
