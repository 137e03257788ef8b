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
	for _, end := range []string{"key-1", "key-4999", want[len(want)-1], "key-~", "z"} {
		at, known := slices.BinarySearch(want, end)
		if known {
			at++
		}
		back := slices.Clone(want[:at])
		slices.Reverse(back)
		if got := slices.Collect(k.back(end)); !slices.Equal(got, back) {
			t.Errorf("back from %q: got %d keys, want %d", end, len(got), len(back))
		}
	}
	whole := k.clone()
	for i, key := range want {
		if i%3 > 0 {
			k.remove(key)
			k.remove(key)
		}
	}
	kept := slices.Collect(k.from(""))
	if len(kept) != (len(want)+2)/3 || len(slices.Collect(whole.back(""))) != len(want) {
		t.Errorf("got %d keys of %d after two of three were removed", len(kept), len(want))
	}
	for range k.from("") {
		break // a reader may stop
	}
}
