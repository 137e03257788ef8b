// Package hot has what the benchmarks beside the code share: a real event, and a yardstick for the machine.
package hot

import (
	"encoding/json"
	"syscall"
	"testing"
)

// Event is a house sale of King County (public records, CC0).
const Event = `{"eventType":"ListingSold","occurredAt":"2014-05-02T00:00:00Z","listing":{"id":"1024069009","agencyId":"agency-98029",` +
	`"priceUsd":675000,"bedrooms":5,"bathrooms":2.5,"livingAreaSqft":2820,"lotSqft":67518,"condition":"Average","grade":"8 Good",` +
	`"yearBuilt":1979,"waterfront":false,"address":{"zipcode":"98029","latitude":47.5794,"longitude":-122.025}}}`

// Yardstick decodes the event with the standard library. make bench divides the other benchmarks of a package by it, so
// that what is compared with the baseline depends on the machine as little as possible.
func Yardstick(b *testing.B) {
	defer Measure(b)()
	for b.Loop() {
		var v any
		if err := json.Unmarshal([]byte(Event), &v); err != nil {
			b.Fatal(err)
		}
	}
}

// Unit is that of the time of the processor that an iteration took. Unlike the time that passed, it leaves out what others
// do on the machine.
const Unit = "cpu-ns/op"

// Measure reports what the loop that follows allocates, and how much of the processor's time it takes: call its result
// after the loop.
func Measure(b *testing.B) (done func()) {
	b.ReportAllocs()
	before := processor(b)
	return func() { b.ReportMetric(float64(processor(b)-before)/float64(b.N), Unit) }
}

func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
