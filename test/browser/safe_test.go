package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// site serves a page of an attacker, and is its origin.
func site(t *testing.T, html string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Prizes</title>%s</html>`, html)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", attacker, 1)
}

// leave goes to another site.
func (b *tab) leave(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// lacks checks that a page tells nothing.
func (b *tab) lacks(texts ...string) {
	b.t.Helper()
	got := b.text()
	for _, text := range texts {
		if strings.Contains(got, text) {
			b.t.Errorf("%s says %q:\n%s", b.path(), text, got)
		}
	}
}

func TestANameThatResolvesToThisMachineShowsNothing(t *testing.T) {
	d := sit(t, nil)
	b := d.enter()
	b.expect("403", "Cross-Origin-Opener-Policy header has been ignored", "Refused to apply style", "MIME type")
	b.leave(strings.Replace(d.url, "127.0.0.1", attacker, 1) + "/")
	b.sees("Wrong host name")
	b.lacks("listings-dev", "000000000000")
}

func TestAnotherSiteChangesAndReadsNothing(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	b := d.enter()
	b.expect("403", "frame-ancestors 'none'", "blocked by CORS policy", "Failed to load resource")
	body := fmt.Sprintf(`<form method="post" action="%[1]s/replays">
<input name="select" value="all"><input name="reason" value="x"><button>Win</button></form>
<iframe title="Frame" src="%[1]s/"></iframe><script>
fetch('%[1]s/', {credentials: 'include'}).then(r => r.text()).then(t => { window.stolen = t }, e => { window.refused = '' + e })
</script><script src="%[1]s/static/console.js" onload="window.loaded = true"></script>`, d.url)
	b.leave(site(t, body))
	b.until("the fetch is refused", func(context.Context) (bool, error) {
		return evaluate[bool](b, "window.refused !== undefined && window.stolen === undefined"), nil
	})
	if evaluate[bool](b, "window.loaded === true || frames[0].length > 0") {
		t.Error("the other site loads files of the console, or has it in a frame")
	}
	b.follow("button", "Win")
	b.sees("Sent by another site")
	if all := d.replays(); len(all) > 0 {
		t.Errorf("got %d replays, want none", len(all))
	}
}

// The cookie is strict: a link of another page, such as of a chat, does not have it sent.
func TestALinkThatWasSharedLeadsToItsPageWithAClick(t *testing.T) {
	d := sit(t, nil)
	b := d.enter()
	b.expect("401")
	b.leave(site(t, `<a href="`+d.url+`/">Look at this</a>`))
	b.follow("link", "Look at this")
	b.sees("Sign in")
	b.lacks("listings-dev")
	b.follow("link", "Continue to the page")
	b.sees("Overview", "listings-dev")
}

func TestTheLinkLetsOneBrowserIn(t *testing.T) {
	d := sit(t, nil)
	link := d.console.Login()
	d.enter()
	second := newTab(t, d.url)
	second.expect("403", "401")
	second.open(link)
	second.sees("This link was used")
	second.open("/")
	second.sees("Sign in")
	second.lacks("listings-dev", "000000000000")
}
