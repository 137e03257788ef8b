// Package browser_test drives replayctl console in Chromium, in front of an ingestion in this process. Elements are found as
// a screen reader finds them, by role and name, and are used with the mouse or with keys.
package browser_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// attacker is a site whose name the browser resolves to this machine.
const attacker = "attacker.test"

// chromium is the browser of all tests. Each test has its own cookies in it.
var chromium struct {
	once sync.Once
	ctx  context.Context
	err  error
	end  func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.end != nil {
		chromium.end()
	}
	os.Exit(code)
}

// started starts the browser once. It reaches nothing but this machine.
func started() (context.Context, error) {
	chromium.once.Do(func() {
		program, err := found()
		if err != nil {
			chromium.err = err
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(program),
			chromedp.Flag("no-proxy-server", true),
			chromedp.Flag("host-resolver-rules", "MAP "+attacker+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
			chromedp.Flag("lang", "en-US"),
			chromedp.Flag("hide-scrollbars", true),
		)
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(allocator)
		chromium.end = func() { cancel(); stop() }
		chromium.ctx, chromium.err = ctx, chromedp.Do(ctx, chromedp.Navigate("about:blank"))
	})
	return chromium.ctx, chromium.err
}

var errNoChromium = errors.New("there is no Chromium: tools/chromium.sh installs it, or CHROMIUM names it")

// found is the program of the browser: tools/chromium.sh looks in the same places.
func found() (string, error) {
	if name := os.Getenv("CHROMIUM"); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errNoChromium
}

// axe is the source of axe-core, which finds what people cannot use.
var axe = sync.OnceValues(func() (string, error) {
	root, err := toolchain.Root(".")
	if err != nil {
		return "", err
	}
	tools, err := toolchain.Find(root)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Clean(tools.Axe))
	return string(b), err
})
