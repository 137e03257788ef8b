package browser_test

import (
	"flag"
	"net/url"
	"testing"
	"time"
)

// test/e2e deploys a stack, has a listing fail in it, and gives these.
var (
	deployed = flag.String("deployed", "", "address that lets a browser into the console of a deployed stack")
	broken   = flag.String("broken", "", "resource whose price is -1, in quarantine")
)

// TestAFailureOfADeployedStackIsHealed searches a resource, plans its replay with a change, and applies it.
func TestAFailureOfADeployedStackIsHealed(t *testing.T) {
	if *deployed == "" {
		t.Skip("go test ./test/e2e -run TestTheConsole runs it in front of the stack that it deploys")
	}
	u, err := url.Parse(*deployed)
	if err != nil {
		t.Fatal(err)
	}
	patience = 2 * time.Minute // the emulator starts functions
	b := newTab(t, u.Scheme+"://"+u.Host)
	b.open(u.RequestURI())
	b.sees("Overview")
	b.fillSearch(*broken)
	b.sees("QUARANTINED")
	b.follow("link", "Its failures in quarantine")
	b.follow("link", *broken)
	b.sees("InvalidListing", `"priceUsd": -1`)
	b.follow("link", "Replay it changed")
	b.fill("A JSON object", `{"listing": {"priceUsd": 450000}}`)
	b.sees("/listing/priceUsd") // in the preview
	b.fill("Reason", "healed in the browser")
	b.follow("button", "Make the plan")
	b.find("button", "Apply the plan: run 1 item")
	b.rests()
	b.follow("button", "Apply the plan")
	b.sees("COMPLETED", "1 of 1 item has ended")
	b.rests()
	b.fillSearch(*broken)
	b.sees("HEALED")
}

// fillSearch searches from the page that is open.
func (b *tab) fillSearch(text string) {
	b.t.Helper()
	b.click("searchbox", "Search")
	evaluate[bool](b, "document.activeElement.select(), true")
	b.types(text)
	b.leaves("search "+text, func() { b.types("\r") })
}
