package factory

import (
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheVersionIsThatOfTheChangelog(t *testing.T) {
	changelog, err := os.ReadFile("../../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindSubmatch(changelog)
	if newest == nil || "v"+string(newest[1]) != Release {
		t.Errorf("got %s, and the newest version of the changelog is %q", Release, newest)
	}
}

func TestTheVersionNamesWhatWasBuilt(t *testing.T) {
	commit := strings.Repeat("0123456789abcdef", 3)[:40]
	built := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: commit}
	for _, tt := range []struct {
		name, stamped string
		info          *debug.BuildInfo
		want          string
	}{
		{"an archive", "v1.2.3", built("v0.0.0-2026", revision), "v1.2.3"},
		{"an installed version", "", built("v0.3.1"), "v0.3.1"},
		{"an installed commit", "", built("v0.0.0-20261126170000-0123456789ab"), Release},
		{"a checkout", "", built("v0.0.0-20261126170000-0123456789ab", revision), Release + "+0123456789ab"},
		{"a checkout with changes", "", built("(devel)", revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), Release + "+0123456789ab.modified"},
		{"a test", "", built(""), Release},
	} {
		if got := versionOf(tt.stamped, tt.info); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
