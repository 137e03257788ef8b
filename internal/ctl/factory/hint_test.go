package factory

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestHintsLeadToTheIngestion(t *testing.T) {
	f := &Factory{global: pflag.NewFlagSet("replayctl", pflag.ContinueOnError)}
	f.global.String("stack", "", "")
	if err := f.global.Parse([]string{"--stack", "Orders"}); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{
		"show L-1":                          "replayctl show L-1 --stack",
		"correct --version v1 -- L-1 --odd": "replayctl --stack",
	} {
		got := f.Hint(command)
		if len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("got %q, want it to begin with %q", got, want)
		}
	}
}
