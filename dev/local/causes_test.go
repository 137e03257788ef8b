package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCauseComesFirst(t *testing.T) {
	for _, tt := range []struct{ name, log, first, without string }{
		{"a resource that fails", strings.Join([]string{
			"Orders: deploying... [1/1]",
			"Orders | 1/9 | 10:00:00 | CREATE_FAILED        | AWS::SQS::Queue | Orders/Jobs (Jobs1) no such key",
			"Orders | 2/9 | 10:00:01 | ROLLBACK_IN_PROGRESS | AWS::CloudFormation::Stack | Orders",
			"See CloudTrail for details",
		}, "\n"), "Orders | 1/9 | 10:00:00 | CREATE_FAILED", "CloudTrail"},
		{"an error of the compiler", strings.Join([]string{
			"!!!!!!!!!!!!!", "!!  This software has not been tested with node v23.  !!", "!!!!!!!!!!!!!",
			"# example.com/orders", "./main.go:12:2: undefined: nothing", "exit status 1", "14 feature flags are not configured.",
		}, "\n"), "./main.go:12:2: undefined: nothing", "node v23"},
		{"a panic", "a line\npanic: ResourceIdPath is missing\n\ngoroutine 1 [running]:\nexit status 2\n", "panic: ResourceIdPath is missing", "goroutine"},
		{"nothing known", "something broke\n", "something broke", "before that"},
	} {
		got := causeFirst(tt.log)
		if !strings.HasPrefix(got, tt.first) || strings.Contains(got, tt.without) {
			t.Errorf("%s: got\n%s", tt.name, got)
		}
	}
}

func TestAnAssemblyIsTheSameWhileItsTemplatesAre(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	digest := func() string {
		t.Helper()
		d, err := digestOf(dir)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	write("manifest.json", `{"artifacts":{"S":{"type":"aws:cloudformation:stack","properties":{"templateFile":"S.template.json"}}}}`)
	write("S.template.json", `{"Resources":{}}`)
	before := digest()
	write("tree.json", `{}`)
	if digest() != before {
		t.Error("a file that is not deployed counts")
	}
	for _, name := range []string{"S.assets.json", "S.template.json"} {
		write(name, `{"Files":{}}`)
		if digest() == before {
			t.Errorf("a change of %s does not count", name)
		}
		before = digest()
	}
}

func TestWhatTheEmulatorLacksIsNamed(t *testing.T) {
	types := []string{"AWS::CloudWatch::Alarm", "AWS::SQS::Queue"}
	for _, tt := range []struct {
		r     resource
		lacks bool
		kind  string
	}{
		{resource{Type: "AWS::SQS::Queue"}, false, ""},
		{resource{Type: "AWS::Budgets::Budget"}, true, "AWS::Budgets::Budget"},
		{resource{Type: "Custom::Thing"}, false, ""},
		{resource{Type: "AWS::CloudWatch::Alarm", Properties: []byte(`{"MetricName":"a"}`)}, false, ""},
		{resource{Type: "AWS::CloudWatch::Alarm", Properties: []byte(`{"Metrics":[{}]}`)}, true, "AWS::CloudWatch::Alarm of a metric math expression"},
	} {
		kind, lacks := tt.r.lacking(types)
		if lacks != tt.lacks || lacks && kind != tt.kind {
			t.Errorf("%+v: got %q, %v", tt.r, kind, lacks)
		}
	}
}
