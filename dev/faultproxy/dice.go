package faultproxy

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// dice decide by the seed, the operation and the number of earlier requests of that operation. The order of concurrent
// requests may differ from run to run, but the fate of the nth request does not.
type dice struct {
	seed   uint64
	thrown map[Operation]uint64
}

// throw is what happens to one request. Share is from 0 to 1 and decides the details.
type throw struct {
	kind  Kind
	share float64
}

func (d *dice) roll(op Operation, f Faults) throw {
	n := d.thrown[op]
	d.thrown[op]++
	if f.Rate <= 0 || f.Only != nil && !f.Only(op) {
		return throw{}
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(op.String()))                  // never fails
	random := rand.New(rand.NewPCG(d.seed^h.Sum64(), n)) //nolint:gosec // reproducible on purpose
	if random.Float64() >= f.Rate {
		return throw{}
	}
	kinds := f.Kinds
	if len(kinds) == 0 {
		kinds = Kinds()
	}
	return throw{kind: kinds[random.IntN(len(kinds))], share: random.Float64()}
}

func (t throw) between(least, most time.Duration) time.Duration {
	return least + time.Duration(t.share*float64(most-least))
}
