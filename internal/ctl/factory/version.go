package factory

import (
	"runtime/debug"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/release"
)

// Release is the version that the newest section of the changelog has.
const Release = release.Version

// stamped is set by the linker in the archives of a release: -X .../internal/ctl/factory.stamped=v0.2.0.
var stamped string

// Version is that of the archive or of the module that was installed. A build from a checkout is the release with its
// commit, as build metadata of Semantic Versioning has it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(stamped, info)
}

func versionOf(stamped string, info *debug.BuildInfo) string {
	if stamped != "" {
		return stamped
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	switch v := info.Main.Version; {
	case commit == "" && strings.HasPrefix(v, "v") && !strings.HasPrefix(v, "v0.0.0-"):
		return v // go install ...@v0.2.0
	case commit == "":
		return Release
	}
	const short = 12
	version := Release + "+" + commit[:min(short, len(commit))]
	if settings["vcs.modified"] == "true" {
		version += ".modified"
	}
	return version
}
