package emf

import (
	"io"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// BenchmarkInvocation is what metrics add to an invocation of Record.
func BenchmarkInvocation(b *testing.B) {
	m := New(io.Discard, "listings-prod-Listings-0123456789")
	for b.Loop() {
		m.Add(schema.Recorded, 1)
		if err := m.Flush("8476a536-e9f4-11e8-9739-2dfe598c3fcd"); err != nil {
			b.Fatal(err)
		}
	}
}
