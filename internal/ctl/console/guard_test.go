package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOnlyTheBrowserThatHadTheTokenIsLetIn(t *testing.T) {
	d := sit(t, nil)
	jar := d.browser.Jar
	d.get("/").has(t, http.StatusOK, "listings-test", "123456789012")
	d.get(d.console.Login()).has(t, http.StatusOK, "Overview") // who is signed in may open the link again

	d.browser.Jar = nil
	d.get(d.console.Login()).has(t, http.StatusForbidden, "This link was used")
	d.get("/login?token=").has(t, http.StatusForbidden, "This link was used")
	p := d.get("/failures?error=%3Cscript%3E")
	p.has(t, http.StatusUnauthorized, `<a href="/failures?error=%3Cscript%3E">Continue to the page</a>`)
	if strings.Contains(p.body, "listings-test") {
		t.Error("a browser that is not signed in sees the stage")
	}
	d.get("/static/console.css").has(t, http.StatusOK)
	d.browser.Jar = jar
	d.get("/").has(t, http.StatusOK)
}

func TestThePrefetchOfALinkDoesNotUseItUp(t *testing.T) {
	d := start(t, nil)
	d.send(http.MethodGet, d.console.Login(), nil, map[string]string{"Sec-Purpose": "prefetch"}).has(t, http.StatusForbidden)
	d.send(http.MethodHead, d.console.Login(), nil, nil).has(t, http.StatusMethodNotAllowed)
	d.get(d.console.Login()).has(t, http.StatusOK, "Overview")
}

func TestRequestsOfOtherHostsAndSitesAreRefused(t *testing.T) {
	d := sit(t, nil)
	_, port, _ := strings.Cut(strings.TrimPrefix(d.url, "http://"), ":")
	for _, host := range []string{"attacker.example", "attacker.example:" + port, "127.0.0.1", "127.0.0.1:1", "localhost.attacker.example:" + port, "[::1]:" + port, ""} {
		if host == "" {
			continue // net/http fills it in
		}
		p := d.send(http.MethodGet, "/", nil, map[string]string{"Host": host})
		p.has(t, http.StatusForbidden, "Wrong host name")
		if strings.Contains(p.body, "listings-test") {
			t.Errorf("host %s sees the stage", host)
		}
	}
	for _, header := range []map[string]string{
		{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://attacker.example"}, {"Origin": "null"},
	} {
		d.send(http.MethodPost, "/replays/plan", url.Values{"reason": {"x"}}, header).has(t, http.StatusForbidden, "Sent by another site")
	}
	if all := d.world.Replays(); len(all) > 0 {
		t.Errorf("got %d replays, want none", len(all))
	}
}

func TestEveryAnswerHasTheHeadersThatKeepItSafe(t *testing.T) {
	d := sit(t, nil)
	for _, path := range []string{"/", "/static/console.js", "/nowhere", "/login"} {
		h := d.get(path).header
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
				"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: got %s %q, want %q", path, name, got, want)
			}
		}
	}
}
