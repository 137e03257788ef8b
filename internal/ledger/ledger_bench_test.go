package ledger

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/hot"
)

func BenchmarkYardstick(b *testing.B) { hot.Yardstick(b) }

func benchedRow() Execution {
	now := At(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	e := Execution{
		Name: "sale-1024069009", ARN: "arn:aws:states:us-east-1:000000000000:execution:ingestion:sale-1024069009", Mode: Live, Status: Running,
		ResourceID: "1024069009", OwnerID: "agency-98029", VersionID: "3HL4kqtJlcpXroDTDmjVBH40Nrjfkd", RecordedAt: now, StartedAt: now,
	}
	e.index(now.Time)
	return e
}

func BenchmarkEncodeRow(b *testing.B) {
	e := benchedRow()
	defer hot.Measure(b)()
	for b.Loop() {
		if _, err := marshal(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRow(b *testing.B) {
	row, err := marshal(benchedRow())
	if err != nil {
		b.Fatal(err)
	}
	defer hot.Measure(b)()
	for b.Loop() {
		var e Execution
		if err := unmarshal(row, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChange(b *testing.B) {
	p := Published{Name: "sale", At: time.Now(), Now: time.Now(), OutputKey: "outputs/sale"}
	defer hot.Measure(b)()
	for b.Loop() {
		p.change().Set("status", str(string(Succeeded))).Remove("error", "cause", "tpk", "tsk").
			If("attribute_exists({pk}) AND attribute_not_exists({stoppedAt})").input("ledger")
	}
}
