package emftest

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const good = `{"_aws":{"Timestamp":1700000000123,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["Ingestion"]],` +
	`"Metrics":[{"Name":"A","Unit":"Count"},{"Name":"B","Unit":"Seconds"}]}]},"Ingestion":"orders","A":2,"B":[1,0.5]}`

func TestMetricsAreReadFromTheLogsOfFunctions(t *testing.T) {
	dir := t.TempDir()
	log := "{\"message\":\"event recorded\"}\n" + good + "\nplain text\n" + good + "\n"
	if err := os.WriteFile(filepath.Join(dir, "Record.log"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]float64{"A": 4, "B": 3}; !reflect.DeepEqual(Sums(data), want) {
		t.Errorf("got %v, want %v", Sums(data), want)
	}
	d := data[1]
	if d.Function != "Record" || d.Namespace != "N" || d.Unit != "Seconds" || d.Dimensions["Ingestion"] != "orders" || d.At.UnixMilli() != 1700000000123 {
		t.Errorf("got %+v", d)
	}
}

func TestALineThatCloudWatchWouldDropIsAnError(t *testing.T) {
	for name, change := range map[string][2]string{
		"no time":                   {`"Timestamp":1700000000123,`, ``},
		"no namespace":              {`"Namespace":"N"`, `"Namespace":""`},
		"dimension without a value": {`"Ingestion":"orders",`, ``},
		"metric without a value":    {`"A":2,`, ``},
		"metric that is a text":     {`"A":2,`, `"A":"2",`},
		"unknown unit":              {`"Unit":"Count"`, `"Unit":"Counts"`},
		"cut off":                   {`0.5]}`, `0.5]`},
		"too many values":           {`[1,0.5]`, `[` + strings.Repeat("1,", 100) + `1]`},
	} {
		if _, err := Read(strings.NewReader(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
