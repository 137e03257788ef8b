package openapi_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/ce873799/replayable-ingestion/test/openapi"
)

// TestTheDocumentHasEveryForm reads what the tests of package replay have decoded.
func TestTheDocumentHasEveryForm(t *testing.T) {
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../../replay/testdata/forms.json")
	if err != nil {
		t.Fatal(err)
	}
	var forms []struct {
		Name, Body string
		Frozen     json.RawMessage
	}
	if err := json.Unmarshal(b, &forms); err != nil {
		t.Fatal(err)
	}
	if len(forms) < 30 {
		t.Errorf("got %d forms, want more", len(forms))
	}
	for _, f := range forms {
		t.Run(f.Name, func(t *testing.T) {
			if err := doc.Request([]byte(f.Body)); err != nil {
				t.Error(err)
			}
			if err := doc.Frozen(f.Frozen); err != nil {
				t.Error(err)
			}
			if err := doc.Request(f.Frozen); err != nil {
				t.Error(err)
			}
		})
	}
}
