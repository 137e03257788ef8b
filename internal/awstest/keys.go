package awstest

import (
	"iter"
	"slices"
	"sort"
)

// keys are sorted strings. They are stored in chunks, because tests add tens of thousands one by one: adding one costs
// about the same, however many there are.
type keys struct {
	chunks [][]string
}

const maxChunk = 512

// chunk returns where a key is, or belongs.
func (k *keys) chunk(key string) int {
	return sort.Search(len(k.chunks), func(i int) bool { return k.chunks[i][len(k.chunks[i])-1] >= key })
}

func (k *keys) add(key string) {
	if len(k.chunks) == 0 {
		k.chunks = [][]string{{key}}
		return
	}
	i := min(k.chunk(key), len(k.chunks)-1)
	at, known := slices.BinarySearch(k.chunks[i], key)
	if known {
		return
	}
	c := slices.Insert(k.chunks[i], at, key)
	k.chunks[i] = c
	if half := len(c) / 2; len(c) > maxChunk {
		k.chunks = slices.Insert(k.chunks, i+1, slices.Clone(c[half:]))
		k.chunks[i] = c[:half:half]
	}
}

// from yields the keys from a string on, in order.
func (k *keys) from(start string) iter.Seq[string] {
	return func(yield func(string) bool) {
		i := k.chunk(start)
		if i == len(k.chunks) {
			return
		}
		at, _ := slices.BinarySearch(k.chunks[i], start)
		for ; i < len(k.chunks); i, at = i+1, 0 {
			for _, key := range k.chunks[i][at:] {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// back yields the keys up to a string, the last one first; all of them if it is empty.
func (k *keys) back(end string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := len(k.chunks) - 1; i >= 0; i-- {
			if end != "" && k.chunks[i][0] > end {
				continue
			}
			for _, key := range slices.Backward(k.chunks[i]) {
				if (end == "" || key <= end) && !yield(key) {
					return
				}
			}
		}
	}
}

func (k *keys) remove(key string) {
	i := k.chunk(key)
	if i == len(k.chunks) {
		return
	}
	at, known := slices.BinarySearch(k.chunks[i], key)
	if !known {
		return
	}
	if k.chunks[i] = slices.Delete(k.chunks[i], at, at+1); len(k.chunks[i]) == 0 {
		k.chunks = slices.Delete(k.chunks, i, i+1)
	}
}

func (k *keys) clone() keys {
	c := keys{chunks: make([][]string, len(k.chunks))}
	for i, chunk := range k.chunks {
		c.chunks[i] = slices.Clone(chunk)
	}
	return c
}
