package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// line waits until the command line at the foot of the page, or that of a form, is the given one.
func (b *tab) line(selector, want string) {
	b.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	got := ""
	b.until("the command is "+want, func(ctx context.Context) (ok bool, err error) {
		got, err = chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector("+string(quoted)+").textContent"))
		if err == nil && got != want {
			err = fmt.Errorf("it is %s", got)
		}
		return got == want, err
	})
}

const foot = "footer code.command"

// stale tells whether the page says that its command is not of now.
func (b *tab) stale() bool {
	return evaluate[bool](b, "[...document.querySelectorAll('.stale')].some(e => e.checkVisibility())")
}

func TestTheCommandFollowsWhatIsTyped(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	b := d.enter()
	b.open("/replays/new?failures=on&error=InvalidListing")
	b.line(foot, "replayctl replay --failures --error InvalidListing --plan")
	b.fill("Reason", "it's mended")
	b.click("radio", "With a merge patch")
	b.fill("A JSON object", `{"priceUsd": 450000}`)
	b.line(foot, `replayctl replay --failures --error InvalidListing --merge-patch '{"priceUsd":450000}' --reason 'it'\''s mended' --plan`)
	if b.stale() {
		t.Error("the command follows, and the page says that it may be old")
	}
	b.open("/failures?status=QUARANTINED&error=InvalidListing")
	b.click("summary", "Filter")
	b.fill("Owner", "A-1")
	b.line(foot, "replayctl failures --status QUARANTINED --error InvalidListing --owner A-1 --detail")
	b.click("summary", "Close these failures")
	b.fill("Reason", "tests")
	b.line("form[action='/failures/close'] code.command", "replayctl failures close --status QUARANTINED --error InvalidListing --reason tests")

	b.withoutScripts()
	b.open("/replays/new")
	b.sees("as of when this page was loaded")
}

// focusOn is what has the focus, as text.
func (b *tab) focusOn(want string) {
	b.t.Helper()
	b.until(fmt.Sprintf("the focus is on %q", want), func(ctx context.Context) (bool, error) {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.activeElement.textContent"))
		if err == nil && !strings.Contains(got, want) {
			err = fmt.Errorf("it is on %q", head(got))
		}
		return strings.Contains(got, want) && len(got) < 1000, err
	})
}

// announced waits for what a screen reader is told.
func (b *tab) announced(want string) {
	b.t.Helper()
	b.until("a screen reader is told "+want, func(ctx context.Context) (bool, error) {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.getElementById('announced').textContent"))
		return strings.Contains(got, want), err
	})
}

func TestTheFocusGoesToWhatWasDone(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	b.open("/replays/new?resource=L-100")
	b.expect("422")
	b.fill("Most items", "many")
	b.fill("Reason", "x")
	b.follow("button", "Make the plan")
	b.focusOn("Nothing was done. Correct this first")
	b.usableByAll()
	b.fill("Most items", "10")
	b.follow("button", "Make the plan")
	b.sees("The plan is being made")
	b.announced("PLANNED") // it ends, and the page is loaded again
	b.find("button", "Apply the plan")
	b.rests()
	b.follow("button", "Apply the plan")
	b.sees("COMPLETED")
	b.rests()

	b.follow("link", "Overview")
	b.click("summary", "Pause: All replays")
	b.fill("Reason", "the database is full")
	b.follow("button", "Pause")
	b.focusOn("All replays are paused.")
	b.sees("since", "the database is full", "replayctl resume --all")
	if got := b.path(); got != "/" {
		t.Errorf("got the address %s, want one to share", got)
	}
	b.usableByAll()
	b.open("/replays")
	b.sees("the database is full")
	b.usableByAll()
	b.follow("button", "Resume")
	b.focusOn("Replays go on.")
}

func TestAVersionIsCorrectedWithTheMouse(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	b.expect("422")
	b.open("/version?resource=L-102")
	b.follow("link", "Correct it for good")
	b.sees("null removes a field", `"priceUsd": -1`)
	b.usableByAll()
	b.follow("button", "Go on")
	b.focusOn("enter a patch")
	b.fill("A JSON object", `{"priceUsd": 450000}`)
	b.sees("450000") // in the preview
	b.follow("button", "Go on")
	b.sees("Correct L-102 for good?", "/priceUsd")
	b.usableByAll()
	b.follow("button", "Change the patch")
	b.sees("450000")
	b.follow("button", "Go on")
	b.fill("Reason", "a digit too many")
	b.follow("button", "Correct it for good")
	b.focusOn("The correction is accepted")
	b.sees("COMPLETED")
	b.rests()
}

func TestACancelledReplaySaysWhatRan(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.mended.Store(true)
	d.run()
	b := d.enter()
	b.plan("GeocoderRejected", "", "1")
	b.follow("button", "Apply the plan")
	b.until("a part of the replay has run", func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool](`/\b([1-9]|1\d) of 20 items/.test(document.body.innerText)`))
	})
	b.follow("link", "Cancel…")
	b.sees("This cannot be taken back", "What has been published stays")
	b.usableByAll()
	b.follow("button", "Cancel the replay")
	b.focusOn("The replay is cancelled")
	b.sees("CANCELLED", "did not run: stopped with the replay, or skipped")
	b.rests()
	if text := b.text(); strings.Contains(text, "(100 %)") || strings.Contains(text, "of 20 items have ended") {
		t.Errorf("what was cancelled counts as done:\n%s", text)
	}
	b.usableByAll()
}

// TestLongIdsLeaveRoomForTheOthers looks at the tables with a name as long as Step Functions lets it be, on a telephone.
func TestLongIdsLeaveRoomForTheOthers(t *testing.T) {
	d := sit(t, nil)
	id := "listing-" + strings.Repeat("0123456789", 12)
	l := fine(1)
	l.ID, l.Price = id, -1
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	d.engine.Ingest(strings.Repeat("e", 80), string(b))
	d.engine.Report()
	d.engine.Schedule()
	tab := d.enter()
	tab.wide(narrow)
	for _, path := range []string{"/version?resource=" + id, "/failures?status=QUARANTINED", "/owner?id=" + l.Owner, "/resource?id=" + id} {
		tab.open(path)
		tab.usable(path)
		const widths = "e => e.getBoundingClientRect().width"
		for _, w := range evaluate[[]float64](tab, "[...document.querySelectorAll('main td code, main th code, main tbody th > a')].map("+widths+")") {
			if w > 0.6*narrow+1 {
				t.Errorf("%s: got an id that is %.0f pixels wide in a window of %d", path, w, narrow)
			}
		}
		for _, w := range evaluate[[]float64](tab, "[...document.querySelectorAll('main td, main tbody th')].filter(e => e.innerText.length > 15).map("+widths+")") {
			if w < 80 {
				t.Errorf("%s: got a cell that is %.0f pixels wide, want at least 80", path, w)
			}
		}
	}
}
