package awstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestKeysStaySorted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // reproducible on purpose
	var k keys
	var want []string
	for range 5 * maxChunk {
		key := fmt.Sprint("key-", random.IntN(10*maxChunk))
		k.add(key)
		if !slices.Contains(want, key) {
			want = append(want, key)
		}
	}
	slices.Sort(want)
	for _, start := range []string{"", "key-1", "key-1000", "key-4999", want[len(want)-1], "key-~", "z"} {
		at, _ := slices.BinarySearch(want, start)
		if got := slices.Collect(k.from(start)); !slices.Equal(got, want[at:]) {
			t.Errorf("from %q: got %d keys, want %d", start, len(got), len(want)-at)
		}
	}
	for range k.from("") {
		break // a reader may stop
	}
}
