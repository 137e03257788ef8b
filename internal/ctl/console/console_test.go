package console_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// desk is a person's browser, without scripts, in front of a console of an ingestion in this process.
type desk struct {
	t       *testing.T
	world   *operator.World
	console *console.Console
	url     string
	browser *http.Client
}

// sit starts a console and signs a browser in. change alters the options.
func sit(t *testing.T, change func(*console.Options)) *desk {
	t.Helper()
	d := start(t, change)
	if p := d.get(d.console.Login()); p.status != http.StatusOK || p.path != "/" {
		t.Fatalf("got %d at %s after the login, want the overview", p.status, p.path)
	}
	return d
}

// start starts a console in front of which nobody has signed in.
func start(t *testing.T, change func(*console.Options)) *desk {
	t.Helper()
	w := operator.New(t)
	api, err := client.New(client.Config{
		BaseURL: w.Gateway.URL, Region: gateway.Region, Attempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(gateway.AccessKey, gateway.SecretKey, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := console.Options{Client: api, Stage: "listings-test", Ingestion: "listings-test/Listings", Account: "123456789012", Region: gateway.Region}
	if change != nil {
		change(&o)
	}
	d := &desk{t: t, world: w, console: console.New(o)}
	server := httptest.NewServer(d.console)
	t.Cleanup(server.Close)
	d.url = server.URL
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.browser = &http.Client{Jar: jar, Timeout: time.Minute}
	return d
}

// seen is a page.
type seen struct {
	status int
	path   string // after redirects, with the query
	body   string
	header http.Header
}

func (d *desk) get(path string) seen {
	d.t.Helper()
	return d.send(http.MethodGet, path, nil, nil)
}

// post sends a form as a browser does.
func (d *desk) post(path string, form url.Values) seen {
	d.t.Helper()
	return d.send(http.MethodPost, path, form, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": d.url})
}

func (d *desk) send(method, path string, form url.Values, header map[string]string) seen {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := d.browser.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return seen{resp.StatusCode, resp.Request.URL.RequestURI(), string(body), resp.Header}
}

// has checks a page's status and that texts are in it.
func (p seen) has(t *testing.T, status int, texts ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("%s: got status %d, want %d", p.path, p.status, status)
	}
	for _, want := range texts {
		if !strings.Contains(p.body, want) {
			t.Errorf("%s lacks %q", p.path, want)
		}
	}
	if t.Failed() {
		t.Logf("%s", p.body)
	}
}
