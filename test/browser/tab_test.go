package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds the wait for what a page is to show. It is long, because machines that test are slow.
var patience = 20 * time.Second

// tab is a tab of the browser, with cookies of its own. Its test fails when the page complains: of an exception, of what the
// policy of the page forbids, of a file that is missing, or of a request that leaves this machine.
type tab struct {
	t      testing.TB
	ctx    context.Context
	origin string

	mu         sync.Mutex
	complaints []string
	expected   []string // parts of complaints that are right
}

// newTab opens a tab. Its paths are those of an origin, such as http://127.0.0.1:8477.
func newTab(t testing.TB, origin string) *tab {
	t.Helper()
	parent, err := started()
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, origin: origin}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.hear))
	t.Cleanup(func() {
		defer cancel()
		for _, text := range b.heard() {
			t.Errorf("the page complains: %s", text)
		}
	})
	b.ctx = ctx
	// The tab lives as long as the context of the first call.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(wide, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{})
		return err
	}), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		return err
	}))
	return b
}

func (b *tab) hear(event any) {
	var text string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			text = fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			text = fmt.Sprintf("console: %s", e.Args[0].Value)
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || !slices.Contains([]string{"127.0.0.1", "localhost", attacker, ""}, u.Hostname()) {
			text = "a request leaves this machine: " + e.Request.URL
		}
	case *inspector.EventTargetCrashed:
		text = "the page has crashed"
	case *page.EventJavascriptDialogOpening:
		text = "dialog: " + e.Message
	}
	if text != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, text)
	}
}

// expect has complaints with one of the texts in them be right.
func (b *tab) expect(texts ...string) { b.expected = append(b.expected, texts...) }

func (b *tab) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.complaints), func(text string) bool {
		return slices.ContainsFunc(b.expected, func(part string) bool { return strings.Contains(text, part) })
	})
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// until tries until a condition holds, and fails the test after patience. A page may go away in between.
func (b *tab) until(what string, holds func(ctx context.Context) (bool, error)) {
	b.t.Helper()
	b.within(patience, what, holds)
}

func (b *tab) within(limit time.Duration, what string, holds func(ctx context.Context) (bool, error)) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, err := try(ctx, holds)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("%s: not within %s (%v)\n%s", what, limit, err, b.standing())
		case <-ticker.C:
		}
	}
}

// try bounds one attempt: a page that is left while it is asked may never answer.
func try(ctx context.Context, holds func(ctx context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return holds(ctx)
}

// standing is where the tab is and what it says, for who has to find out why a test fails.
func (b *tab) standing() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	if err != nil {
		return fmt.Sprintf("the page does not answer: %v", err)
	}
	return got
}

// evaluate returns the value of an expression.
//
// A page must not be left while it is asked.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", head(expression), err)
	}
	return v
}

func head(text string) string { return text[:min(len(text), 80)] }

// open goes to a path and waits for the page.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.origin + path))
}

// path is where the tab is, without the origin.
func (b *tab) path() string {
	return strings.TrimPrefix(evaluate[string](b, "location.href"), b.origin)
}

// text is what a person reads, all that is scrolled away included.
func (b *tab) text() string { return evaluate[string](b, "document.body.innerText") }

// sees waits for texts.
func (b *tab) sees(texts ...string) {
	b.t.Helper()
	for _, want := range texts {
		b.until(fmt.Sprintf("see %q", want), func(ctx context.Context) (bool, error) {
			text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			return strings.Contains(text, want), err
		})
	}
}

// place is where an element is that was looked for.
type place struct {
	Names   []string // of the elements of the role
	Found   bool
	Name    string
	Covered string // what lies on its middle instead, in HTML
	X, Y    float64
}

// locate finds an element by its role and its name: the first whose name is the given one, or else the first that has it as
// a part. It scrolls to it. Names and roles are those that axe-core works out: Chromium's own list of them crashes the page
// when it is asked for while the page changes.
const locate = `(role, name) => {
	axe.setup();
	try {
		const all = [...document.querySelectorAll('a[href], button, summary, input, select, textarea')]
			.filter(e => e.checkVisibility({visibilityProperty: true}) && (e.localName == 'summary' ? 'summary' : axe.commons.aria.getRole(e)) == role)
			.map(e => ({e, name: axe.commons.text.accessibleText(e).trim()}));
		const names = all.map(one => one.name);
		const hit = all.find(one => one.name == name) || all.find(one => one.name.includes(name));
		if (!hit) return {names};
		hit.e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = hit.e.getClientRects()[0];
		const x = r.left + r.width / 2, y = r.top + r.height / 2;
		const there = document.elementFromPoint(x, y);
		return {names, found: true, name: hit.name, x, y, covered: hit.e.contains(there) ? '' : there ? there.outerHTML.slice(0, 200) : 'nothing'};
	} finally {
		axe.teardown();
	}
}`

// look looks for an element once.
func (b *tab) look(ctx context.Context, role, name string) (p place, err error) {
	if err := b.withAxe(ctx); err != nil {
		return p, err
	}
	arguments, err := json.Marshal([]string{role, name})
	if err != nil {
		return p, err
	}
	p, err = chromedp.Run(ctx, chromedp.Evaluate[place]("("+locate+")(..."+string(arguments)+")"))
	if err == nil && !p.Found {
		err = fmt.Errorf("there are %q", p.Names)
	}
	if err == nil && p.Covered != "" {
		err = fmt.Errorf("it is covered by %s", p.Covered)
	}
	return p, err
}

// withAxe loads axe-core into the page, past its policy, if it is not there.
func (b *tab) withAxe(ctx context.Context) error {
	loaded, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("typeof axe != 'undefined'"))
	if err != nil || loaded {
		return err
	}
	source, err := axe()
	if err != nil {
		b.t.Fatal(err)
	}
	return chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](source+";0"))
}

// find waits for an element.
func (b *tab) find(role, name string) {
	b.t.Helper()
	b.until(fmt.Sprintf("find a %s %q", role, name), func(ctx context.Context) (bool, error) {
		_, err := b.look(ctx, role, name)
		return err == nil, err
	})
}

// click clicks the middle of an element with the mouse.
func (b *tab) click(role, name string) {
	b.t.Helper()
	b.until(fmt.Sprintf("click on a %s %q", role, name), func(ctx context.Context) (bool, error) {
		p, err := b.look(ctx, role, name)
		if err != nil {
			return false, err
		}
		return true, chromedp.Do(ctx, chromedp.MouseClickXY(p.X, p.Y))
	})
}

// follow clicks on what leads to another page, and waits for it.
func (b *tab) follow(role, name string) {
	b.t.Helper()
	b.find(role, name)
	b.leaves(fmt.Sprintf("follow the %s %q", role, name), func() { b.click(role, name) })
}

// leaves does something, and waits until another page is there.
func (b *tab) leaves(what string, do func()) {
	b.t.Helper()
	evaluate[bool](b, "document.documentElement.dataset.left = 'yes', true")
	do()
	b.until(what, func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState == 'complete' && document.documentElement.dataset.left != 'yes'"))
	})
}

// fill types into a field in the place of what is in it.
func (b *tab) fill(name, text string) {
	b.t.Helper()
	b.click("textbox", name)
	evaluate[bool](b, "document.activeElement.select(), true")
	b.types(text)
}

// types presses keys.
func (b *tab) types(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// Widths of the window, in CSS pixels: of a desk, and of a small telephone.
const (
	wide   = 1280
	narrow = 320
)

func (b *tab) wide(width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
}

// dark has the person prefer dark pages, or light ones.
func (b *tab) dark(on bool) {
	b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		b.t.Fatal(err)
	}
}

// withoutScripts has pages run none from now on.
func (b *tab) withoutScripts() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}
