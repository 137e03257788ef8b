package transform

import (
	"encoding/json"
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/bench/hot"
	"github.com/ce873799/replayable-ingestion/replay"
)

func BenchmarkYardstick(b *testing.B) { hot.Yardstick(b) }

func BenchmarkApply(b *testing.B) {
	for name, with := range map[string]*replay.Transform{
		"mergePatch": {MergePatch: json.RawMessage(`{"listing":{"priceUsd":700000,"address":{"zipcode":"98001"}}}`)},
		"jsonPatch":  {JSONPatch: json.RawMessage(`[{"op":"replace","path":"/listing/priceUsd","value":700000}]`)},
	} {
		b.Run(name, func(b *testing.B) {
			t, err := New(with)
			if err != nil {
				b.Fatal(err)
			}
			defer hot.Measure(b)()
			for b.Loop() {
				if _, err := t.Apply([]byte(hot.Event)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
