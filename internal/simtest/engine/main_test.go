package engine

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain has garbage collected less often: thousands of small worlds come and go, and none is large.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}
