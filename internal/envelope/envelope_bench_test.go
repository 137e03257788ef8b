package envelope

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/bench/hot"
)

func BenchmarkYardstick(b *testing.B) { hot.Yardstick(b) }

var benched = Header{
	Mode: "api", ReplayID: "01M89Z598F3SQ5R25DFJCEXPQF", ResourceID: "1024069009", VersionID: "3HL4kqtJlcpXroDTDmjVBH40Nrjfkd",
	Reason: "the geocoder was down",
}

func BenchmarkBuild(b *testing.B) {
	defer hot.Measure(b)()
	for b.Loop() {
		if _, err := Build(benched, []byte(hot.Event)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	input, err := Build(benched, []byte(hot.Event))
	if err != nil {
		b.Fatal(err)
	}
	defer hot.Measure(b)()
	for b.Loop() {
		if !Reserved(input) {
			b.Fatal("not reserved")
		}
		if _, _, err := Parse(input); err != nil {
			b.Fatal(err)
		}
	}
}
