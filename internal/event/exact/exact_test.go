package exact

import "testing"

func TestADocumentIsTheSameAfterwards(t *testing.T) {
	const doc = `{"html":"<a href=\"x\">&</a>","number":12345678901234567890.10}`
	v, err := Decode([]byte(doc + " rest"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Encode(v); err != nil || string(got) != doc {
		t.Errorf("got %q, %v, want %q", got, err, doc)
	}
	if _, err := Decode([]byte("{")); err == nil {
		t.Error("got no error for a part of a document")
	}
}
