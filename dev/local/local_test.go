package local

import (
	"os"
	"testing"
)

func TestStart(t *testing.T) {
	s, err := Start(t.Context(), Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	t.Logf("%+v", s.Result)
}
