package browser_test

import (
	"strings"
	"testing"
)

// plan goes from the overview to a plan for the failures of an error, with the mouse. change is a merge patch, or empty.
func (b *tab) plan(fault, change string) {
	b.t.Helper()
	b.follow("link", "Overview")
	b.follow("link", fault)
	b.follow("link", "Replay these failures")
	if change != "" {
		b.click("radio", "With a merge patch")
		b.fill("textbox", "A JSON object", change)
	}
	b.fill("textbox", "At most so many starts per second", "4")
	b.fill("textbox", "Reason", "the cause is mended")
	b.follow("button", "Make the plan")
	b.sees("would run")
}

// apply applies the plan on the page, and waits for the end of the replay.
func (b *tab) apply() {
	b.t.Helper()
	b.find("button", "Apply the plan")
	b.follow("button", "Apply the plan")
	b.sees("COMPLETED")
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
	b.plan("GeocoderRejected", "")
	b.sees("12\nwould run")
	b.apply()
	b.sees("12 of 12 items have ended")

	b.plan("InvalidListing", `{"priceUsd": 450000}`)
	b.sees("6\nwould run", "450000")
	b.apply()

	b.follow("link", "Overview")
	b.sees("Nothing")
	if text := b.text(); strings.Contains(text, "InvalidListing") || strings.Contains(text, "GeocoderRejected") {
		t.Errorf("got failures on the overview, want none:\n%s", text)
	}
}
