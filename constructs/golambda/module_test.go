package golambda

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// test/consumer tests what an app sees.

func TestCompiledInIsTheVersionInTheBinary(t *testing.T) {
	const name = "example.com/lib"
	for _, tt := range []struct {
		name string
		deps []*debug.Module
		want string // path@version
	}{
		{name: "as required", deps: []*debug.Module{{Path: "example.com/a", Version: "v1.0.0"}, {Path: name, Version: "v1.2.3"}}, want: name + "@v1.2.3"},
		{name: "as replaced by another module", deps: []*debug.Module{{Path: name, Version: "v1.2.3", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.2.4"}}}, want: "example.com/fork@v1.2.4"},
		{name: "not as replaced by a directory", deps: []*debug.Module{{Path: name, Version: "v1.2.3", Replace: &debug.Module{Path: "../lib", Version: "(devel)"}}}},
		{name: "not from a workspace", deps: []*debug.Module{{Path: name, Version: "(devel)"}}},
		{name: "not when the app does not import it", deps: []*debug.Module{{Path: name + "/v2", Version: "v2.0.0"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if m := compiledIn(name, &debug.BuildInfo{Deps: tt.deps}); m != nil {
				got = m.Path + "@" + m.Version
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if compiledIn(name, nil) != nil {
		t.Error("found a module without build information")
	}
}

func TestPlacesEscapeCapitalLetters(t *testing.T) {
	dir, zipHash, err := places("/c", &debug.Module{Path: "example.com/Lib", Version: "v1.0.0-RC"})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.FromSlash("/c/example.com/!lib@v1.0.0-!r!c"); dir != want {
		t.Errorf("got %s, want %s", dir, want)
	}
	if want := filepath.FromSlash("/c/cache/download/example.com/!lib/@v/v1.0.0-!r!c.ziphash"); zipHash != want {
		t.Errorf("got %s, want %s", zipHash, want)
	}
}

func TestCheckSumRefusesAnotherModuleThanTheCompiledOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "v1.0.0.ziphash")
	if err := os.WriteFile(file, []byte("h1:cached"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, file, sum, want string
	}{
		{"the same", file, "h1:cached", ""},
		{"another", file, "h1:compiled", "holds another example.com/lib@v1.0.0, with sum h1:cached"},
		{"no sum in a vendored binary", file, "", ""},
		{"no sum in the cache", file + "x", "h1:compiled", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := checkSum(tt.file, &debug.Module{Path: "example.com/lib", Version: "v1.0.0", Sum: tt.sum})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
