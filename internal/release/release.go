// Package release says which release this is. The functions have no build information that does: they are compiled
// inside of the module, and without its version control.
package release

// Version is that of the newest section of the changelog.
const Version = "v0.2.0"
