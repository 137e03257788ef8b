package browser_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// plan goes from the overview to a plan for the failures of an error, with the mouse. change is a merge patch, or empty. rate is
// of starts, per second.
func (b *tab) plan(fault, change, rate string) {
	b.t.Helper()
	b.follow("link", "Overview")
	b.follow("link", fault)
	b.follow("link", "Replay these failures")
	if change != "" {
		b.click("radio", "With a merge patch")
		b.fill("A JSON object", change)
	}
	b.fill("Most starts per second", rate)
	b.fill("Reason", "the cause is mended")
	b.follow("button", "Make the plan")
	b.find("button", "Apply the plan")
	b.rests()
}

// rests waits until the page has loaded itself for the last time, as it does when what it shows has ended.
func (b *tab) rests() {
	b.t.Helper()
	b.until("the page rests", func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState == 'complete' && document.body.dataset.refresh === undefined"))
	})
}

// apply applies the plan on the page, and waits for the end of the replay.
func (b *tab) apply() {
	b.t.Helper()
	b.follow("button", "Apply the plan")
	b.sees("COMPLETED")
	b.rests()
}

// TestAnOutageIsHealedWithTheMouse is an incident from the overview until nothing is left of it, as who has read nothing
// would do it.
func TestAnOutageIsHealedWithTheMouse(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	b.sees("GeocoderRejected", "InvalidListing", "the geocoder rejects ZIP code 99999")

	// What is wrong? A failure, and what changed since the last version that was good.
	b.follow("link", "InvalidListing")
	b.follow("link", "L-102")
	b.sees("listing.priceUsd must be a number from 0 up, got -1", "-1")

	d.mended.Store(true)
	b.plan("GeocoderRejected", "", "10")
	b.sees(fmt.Sprintf("%d\nwould run", rejected))
	b.apply()
	b.sees(fmt.Sprintf("%[1]d of %[1]d items have ended", rejected))

	b.plan("InvalidListing", `{"priceUsd": 450000}`, "10")
	b.sees(fmt.Sprintf("%d\nwould run", invalid), "450000")
	b.apply()

	b.follow("link", "Overview")
	b.sees("Nothing has failed that has not healed", "0\nin quarantine")
}

func TestAReplayIsPausedAndResumedWithTheMouse(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.mended.Store(true)
	d.run()
	b := d.enter()
	b.plan("GeocoderRejected", "", "1")
	b.follow("button", "Apply the plan")
	b.click("summary", "Pause…")
	b.fill("Reason", "the geocoder is slow")
	b.follow("button", "Pause")
	b.sees("Paused at", "the geocoder is slow")
	b.usableByAll()
	b.follow("button", "Resume")
	b.click("summary", "Change the pace")
	b.fill("Most starts per second", "50")
	b.follow("button", "Change the pace")
	b.within(time.Minute, "the replay ends", func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool](`document.body.innerText.includes("COMPLETED")`))
	})
}
