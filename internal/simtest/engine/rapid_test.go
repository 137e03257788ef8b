package engine

import (
	"flag"
	"fmt"
	"io"
	mathrand "math/rand"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"
)

// sameIDs makes the ids of replays the same in each run.
func sameIDs() io.Reader {
	return ulid.Monotonic(mathrand.New(mathrand.NewSource(1)), 0) //nolint:gosec // a test's
}

// drawn are dice whose throws rapid draws, so it can shrink a case. 0 is the usual throw.
type drawn struct{ rt *rapid.T }

func (d drawn) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.rt, "dice") }

// rarely is true once in n times.
func (d drawn) rarely(n int) bool { return d.IntN(n) == n-1 }

func shuffled[T any](d drawn, all []T) []T {
	if len(all) < 2 {
		return all
	}
	return rapid.Permutation(all).Draw(d.rt, "order")
}

// checks sets how often rapid draws, unless the command line says so with -rapid.checks.
func checks(t *testing.T, n string) {
	t.Helper()
	flagged(t, "rapid.checks", n)
}

// flagged sets a flag of rapid, unless the command line does.
func flagged(t *testing.T, setting, n string) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == setting })
	if given {
		return
	}
	before := flag.Lookup(setting).Value.String()
	set := func(n string) {
		if err := flag.Lookup(setting).Value.Set(n); err != nil {
			t.Fatal(err)
		}
	}
	set(n)
	t.Cleanup(func() { set(before) })
}

// bubble runs a case of rapid with a clock of its own.
func bubble(t *testing.T, do func(t *testing.T)) {
	t.Helper()
	var thrown any
	synctest.Test(t, func(t *testing.T) {
		defer func() { thrown = recover() }() // it belongs to rapid, which handles it outside of the bubble
		do(t)
	})
	// rapid distinguishes panics by their line. A panic of rapid itself only means that a smaller case is invalid.
	if strings.HasSuffix(fmt.Sprintf("%T", thrown), "invalidData") {
		panic(thrown)
	}
	if thrown != nil {
		panic(thrown)
	}
}
