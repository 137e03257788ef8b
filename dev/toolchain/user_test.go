package toolchain

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEverythingThatIsMissingIsNamedAtOnce puts programs into PATH that print versions.
func TestEverythingThatIsMissingIsNamedAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers map[string]string
		want    []string
	}{
		{"nothing is installed", nil, []string{"Go 1.26 or newer", "Node.js 18.0 or newer", "Python with venv and pip 3.10 or newer", "npm is needed", "apt-get install python3-venv"}},
		{"everything is too old", map[string]string{"go": "go1.25.7", "node": "v16.20.2", "python3": "3.9", "npm": "8.1.0"},
			[]string{"go is go1.25.7", "node is v16.20.2", "python3 is 3.9"}},
		{"what answers is something else", map[string]string{"go": "go1.26.0", "node": "Usage: node", "python3": "3.12", "npm": "10.0.0"},
			[]string{`node answers "Usage: node"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bin := t.TempDir()
			for name, text := range tt.answers {
				if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\necho '"+text+"'\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", bin)
			cache := t.TempDir()
			_, err := ForApp(t.Context(), t.TempDir(), cache, t.Output())
			if err == nil {
				t.Fatal("got no error, want one")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "npm is needed") != (tt.answers == nil) {
				t.Errorf("got %v, want npm named only where it is missing", err)
			}
			if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
				t.Errorf("got %v, %v in the cache, want nothing", left, err)
			}
		})
	}
}

// Users get the version of the CDK CLI with which the checkout is tested.
func TestUsersGetTheCDKCLIOfTheCheckout(t *testing.T) {
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	read := func(file string) any {
		var lock struct{ Packages map[string]any }
		if err := json.Unmarshal([]byte(read(t, file)), &lock); err != nil {
			t.Fatal(err)
		}
		return lock.Packages["node_modules/aws-cdk"]
	}
	got, want := read("cdk/package-lock.json"), read(filepath.Join(root, "package-lock.json"))
	g, _ := json.Marshal(got) // they were JSON
	w, _ := json.Marshal(want)
	if want == nil || string(g) != string(w) {
		t.Errorf("got %s, want %s", g, w)
	}
}
