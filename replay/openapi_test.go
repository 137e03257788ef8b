package replay

import (
	"encoding/json"
	"testing"

	"github.com/ce873799/replayable-ingestion/test/openapi"
)

// What Decode accepts, a client that validates by docs/openapi.yaml must be able to send; and what it makes of that is
// what the document says of answers.
func TestTheDocumentHasEveryForm(t *testing.T) {
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range everyForm() {
		t.Run(tt.name, func(t *testing.T) {
			if err := doc.Request([]byte(tt.body)); err != nil {
				t.Error(err)
			}
			frozen, err := json.Marshal(tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Frozen(frozen); err != nil {
				t.Error(err)
			}
			if err := doc.Request(frozen); err != nil {
				t.Error(err)
			}
		})
	}
}
