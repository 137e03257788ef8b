package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focus is what has the focus.
type focus struct {
	Role, Name string
	Unseen     string // why a person does not see that it has; empty: a person does
}

const focused = `(() => {
	axe.setup();
	try {
		const e = document.activeElement, style = getComputedStyle(e), r = e.getBoundingClientRect();
		const name = axe.commons.text.accessibleText(e).trim();
		let unseen = '';
		if (style.outlineStyle == 'none' || parseFloat(style.outlineWidth) < 2) unseen = 'it has no outline';
		else if (r.width < 2 || r.height < 2) unseen = 'it has no size';
		else if (r.bottom <= 0 || r.right <= 0 || r.top >= innerHeight || r.left >= innerWidth) unseen = 'it is not in the window';
		return {role: e.localName == 'summary' ? 'summary' : axe.commons.aria.getRole(e) ?? '', name, unseen: e == document.body ? '' : unseen};
	} finally {
		axe.teardown();
	}
})()`

// reach presses Tab until an element has the focus, and checks that a person sees where the focus is on the way.
func (b *tab) reach(role, name string) {
	b.t.Helper()
	const most = 120 // presses
	want := b.named(role, name)
	for range most {
		b.types(kb.Tab)
		if err := b.withAxe(b.ctx); err != nil {
			b.t.Fatal(err)
		}
		at := evaluate[focus](b, focused)
		if at.Unseen != "" {
			b.t.Errorf("%s: the focus is on the %s %q, and %s", b.path(), at.Role, at.Name, at.Unseen)
		}
		if at.Role == role && at.Name == want {
			return
		}
	}
	b.t.Fatalf("%s: %d times Tab do not lead to the %s %q\n%s", b.path(), most, role, want, b.standing())
}

// named waits for an element and returns its whole name.
func (b *tab) named(role, name string) (whole string) {
	b.t.Helper()
	b.until(fmt.Sprintf("find a %s %q", role, name), func(ctx context.Context) (bool, error) {
		p, err := b.look(ctx, role, name)
		whole = p.Name
		return p.Found, err
	})
	return whole
}

// presses reaches an element and presses Enter, which leads to another page.
func (b *tab) presses(role, name string) {
	b.t.Helper()
	b.reach(role, name)
	b.leaves(fmt.Sprintf("press Enter on the %s %q", role, name), func() { b.types(kb.Enter) })
}

func TestAnOutageIsHealedWithKeysAlone(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	b.presses("link", "InvalidListing")
	b.presses("link", "Replay these failures")
	b.reach("radio", "No: run them as they were recorded")
	b.types(kb.ArrowDown)
	b.reach("textbox", "A JSON object")
	b.types(`{"priceUsd": 450000}`)
	b.sees("450000") // in the preview
	b.reach("textbox", "Reason")
	b.types("the prices were sent as -1")
	b.presses("button", "Make the plan")
	b.find("button", "Apply the plan")
	b.rests()
	b.presses("button", "Apply the plan")
	b.sees("COMPLETED")
	b.rests()
	b.types("go")              // to the overview
	b.sees("InvalidListing 0") // in the plot
}

func TestAnOutageIsHealedWithoutScripts(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	b.withoutScripts()
	b.follow("link", "InvalidListing")
	if evaluate[bool](b, "document.querySelector('code.command + button') !== null") {
		t.Error("the script of the page ran")
	}
	b.follow("link", "Replay these failures")
	b.click("radio", "With a merge patch")
	b.fill("A JSON object", `{"priceUsd": 450000}`)
	b.follow("button", "Preview the change")
	b.sees("What it does to L-1", "450000")
	b.fill("Reason", "the prices were sent as -1")
	b.follow("button", "Make the plan")
	b.reloads("Apply the plan")
	b.follow("button", "Apply the plan")
	b.reloads("COMPLETED")
	b.follow("link", "Overview")
	b.sees("InvalidListing 0")
}

// reloads opens the page again until it has a text.
func (b *tab) reloads(want string) {
	b.t.Helper()
	b.until(fmt.Sprintf("see %q after some reloads", want), func(ctx context.Context) (bool, error) {
		if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
			return false, err
		}
		quoted, err := json.Marshal(want)
		if err != nil {
			return false, err
		}
		return chromedp.Run(ctx, chromedp.Evaluate[bool]("document.body.innerText.includes("+string(quoted)+")"))
	})
}
