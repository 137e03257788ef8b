package emf

import (
	"strings"
	"testing"
	"time"
)

func TestCountIsOneLineThatDeclaresItsMetrics(t *testing.T) {
	var out strings.Builder
	w := New(&out, "orders")
	w.now = func() time.Time { return time.UnixMilli(1700000000123) }
	if err := w.Count(map[string]float64{"Superseded": 2, "AutoReplayed": 0}); err != nil {
		t.Fatal(err)
	}
	const want = `{"AutoReplayed":0,"Ingestion":"orders","Superseded":2,"_aws":{"CloudWatchMetrics":[{` +
		`"Namespace":"ReplayableIngestion","Dimensions":[["Ingestion"]],"Metrics":[{"Name":"AutoReplayed","Unit":"Count"},` +
		`{"Name":"Superseded","Unit":"Count"}]}],"Timestamp":1700000000123}}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
