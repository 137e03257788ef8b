package local

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// other is the architecture of Lambda that this machine does not have.
func other() string {
	if runtime.GOARCH == "arm64" {
		return "amd64"
	}
	return "arm64"
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// go run starts an app and changes its PATH. The app makes the go command compile for Linux on another architecture.
func TestWhatAnAppCompilesForLambdaRunsHere(t *testing.T) {
	r := &run{stack: &Stack{runDir: t.TempDir()}}
	bin, err := r.goForThisMachine()
	if err != nil {
		t.Fatal(err)
	}
	app := t.TempDir()
	put(t, app, map[string]string{"go.mod": "module example.com/app\n\ngo 1.26\n", "main.go": `package main

import (
	"os"
	"os/exec"
)

func main() {
	cmd := exec.Command("go", "env", "GOARCH")
	cmd.Env = append(os.Environ(), os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(1)
	}
}
`})
	for _, tt := range []struct {
		name string
		env  []string
		want string
	}{
		{"for Lambda", []string{"GOOS=linux", "GOARCH=" + other()}, runtime.GOARCH},
		{"for something else", []string{"GOOS=darwin", "GOARCH=" + other()}, other()},
		{"for the machine", nil, runtime.GOARCH},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(filepath.Join(bin, "go"), append([]string{"run", "."}, tt.env...)...)
			cmd.Dir, cmd.Env = app, append(os.Environ(), "GOWORK=off")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != tt.want {
				t.Errorf("got %s, %v, want %s", out, err, tt.want)
			}
		})
	}
}

func TestAProgramOfAnotherArchitectureIsRefused(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	foreign := elf.EM_AARCH64
	if runtime.GOARCH == "arm64" {
		foreign = elf.EM_X86_64
	}
	binary.LittleEndian.PutUint16(program[18:], uint16(foreign)) // e_machine
	dir := t.TempDir()
	put(t, dir, map[string]string{"foreign": string(program), "script": "#!/bin/sh\n"})
	for _, file := range []string{self, filepath.Join(dir, "script")} {
		if err := runsHere(file); err != nil {
			t.Errorf("%s: got %v, want it to run", filepath.Base(file), err)
		}
	}
	if err := runsHere(filepath.Join(dir, "foreign")); err == nil || !strings.Contains(err.Error(), "set the function's Architecture to "+Architecture()) {
		t.Errorf("got %v, want the remedy", err)
	}
	if err := runsHere(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("got %v, want that there is none", err)
	}
}

func TestAppsSeeNoAccountOfTheUser(t *testing.T) {
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("TENANT", "a")
	r := &run{stack: &Stack{runDir: t.TempDir()}, opts: Options{Home: &Home{}}}
	env, err := r.appEnv()
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(env, "\n"); strings.Contains(text, "production") || strings.Contains(text, "AKIA") || !slices.Contains(env, "TENANT=a") {
		t.Errorf("got %s, want the user's variables without his account", text)
	}
}

func TestStacksOfAnAssemblyAreFoundInStages(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"manifest.json": `{"artifacts": {
			"Tree": {"type": "cdk:tree"},
			"Orders": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Orders.template.json"}},
			"Shop": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.template.json", "stackName": "shop-eu"}},
			"assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}}}`,
		"assembly-Prod/manifest.json": `{"artifacts": {
			"ProdOrders1234": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json", "stackName": "Prod-Orders"}}}}`,
	})
	got, err := stacksOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	prod := filepath.Join(dir, "assembly-Prod")
	want := []assemblyStack{
		{"Orders", filepath.Join(dir, "Orders.template.json"), filepath.Join(dir, "Orders.assets.json"), dir},
		{"shop-eu", filepath.Join(dir, "Shop.template.json"), filepath.Join(dir, "Shop.assets.json"), dir},
		{"Prod-Orders", filepath.Join(prod, "t.json"), filepath.Join(prod, "ProdOrders1234.assets.json"), prod},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
