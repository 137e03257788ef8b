package browser_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var pictures = flag.Bool("pictures", false, "take the pictures of the documents")

const (
	pictureDir   = "../../docs/images"
	pictureBytes = 150_000 // of the overview, which is in the README
)

// shoot takes a picture of the page from its top, to a height in pixels at the most.
func (b *tab) shoot(file string, height int) {
	b.t.Helper()
	// What a pointer or the focus sets off is not the page.
	evaluate[bool](b, "document.activeElement.blur(), scrollTo(0, 0), true")
	tall := min(height, evaluate[int](b, "document.documentElement.scrollHeight"))
	answer, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: float64(evaluate[int](b, "innerWidth")), Height: float64(tall), Scale: 1},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Clean(file), answer.Data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// TestPictures takes the pictures of the documents if -pictures is given, and checks that they are there if not.
func TestPictures(t *testing.T) {
	if *pictures {
		if err := os.MkdirAll(pictureDir, 0o755); err != nil {
			t.Fatal(err)
		}
		takePictures(t)
	}
	for _, name := range []string{"overview", "overview-dark", "group", "failure", "resource", "diff", "wizard", "plan", "replay", "narrow"} {
		info, err := os.Stat(filepath.Join(pictureDir, "console-"+name+".png"))
		if err != nil {
			t.Errorf("%v: make pictures takes it", err)
			continue
		}
		if info.Size() > pictureBytes {
			t.Errorf("%s has %d bytes, want less than %d", info.Name(), info.Size(), pictureBytes)
		}
	}
}

func takePictures(t *testing.T) {
	t.Helper()
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	shoot := func(name string, height int) {
		t.Helper()
		b.shoot(filepath.Join(pictureDir, "console-"+name+".png"), height)
	}
	b.open("/")
	shoot("overview", 1000)
	b.dark(true)
	shoot("overview-dark", 1000)
	b.dark(false)
	b.wide(narrow)
	shoot("narrow", 1000)
	b.wide(wide)
	b.follow("link", "InvalidListing")
	shoot("group", 1100)
	b.follow("link", "L-102")
	shoot("failure", 1300)
	b.open("/resource?id=L-102")
	shoot("resource", 1000)
	b.follow("button", "Compare")
	shoot("diff", 1000)

	b.follow("link", "Overview")
	b.follow("link", "InvalidListing")
	b.follow("link", "Replay these failures")
	b.click("radio", "With a merge patch")
	b.fill("A JSON object", `{"priceUsd": 450000}`)
	b.fill("Most starts per second", "1")
	b.fill("Reason", "the prices were sent as -1")
	b.sees("450000")
	shoot("wizard", 1600)
	b.follow("button", "Make the plan")
	b.find("button", "Apply the plan")
	b.rests()
	shoot("plan", 1200)

	d.mended.Store(true)
	b.follow("link", "Overview")
	b.follow("link", "GeocoderRejected")
	b.follow("link", "Replay these failures")
	b.fill("Most starts per second", "1")
	b.fill("Reason", "the geocoder knows the ZIP code now")
	b.follow("button", "Make the plan")
	b.find("button", "Apply the plan")
	b.rests()
	b.follow("button", "Apply the plan")
	b.until("a part of the replay has run", func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool](`/\b1[5-9] of 20 items/.test(document.body.innerText)`))
	})
	shoot("replay", 1100)
}
