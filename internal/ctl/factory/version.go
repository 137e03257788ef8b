package factory

import "runtime/debug"

// Version is that of the module, as the go command stamps it into the binary.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
