package console

import (
	"context"
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	loginPath  = "/login"
	staticPath = "/static/"

	// sessionLife is how long a browser stays signed in, about a shift. The session ends with the process in any case.
	sessionLife = 12 * time.Hour

	// requestTime bounds the calls of a page, retries included.
	requestTime = 30 * time.Second

	// maxForm is the size of the largest form: a transform and a thousand resource ids, encoded.
	maxForm = 4 << 20
)

// policy lets a browser load the files of this package and nothing else. Pages have no inline scripts or styles.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// token is used once.
type token struct {
	mu   sync.Mutex
	text string // empty: it was used
}

// spend reports whether got is the token, and makes the token invalid if it is.
func (t *token) spend(got string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == "" || subtle.ConstantTimeCompare([]byte(got), []byte(t.text)) != 1 {
		return false
	}
	t.text = ""
	return true
}

// guard admits only the browser that had the token, and only under a name of this machine.
func (c *Console) guard(pages http.Handler) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !local(r):
			c.refuse(w, http.StatusForbidden, refusal{
				Title: "Wrong host name",
				Text:  "The console answers to 127.0.0.1 and localhost, with its port. Open the address that replayctl console has printed.",
			})
		case strings.HasPrefix(r.URL.Path, staticPath): // public files
			static.ServeHTTP(w, r)
		case r.URL.Path == loginPath:
			c.login(w, r)
		case !c.signedIn(r):
			c.refuse(w, http.StatusUnauthorized, signIn(r))
		default:
			ctx, cancel := context.WithTimeout(r.Context(), requestTime)
			defer cancel()
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			pages.ServeHTTP(w, r.WithContext(ctx))
		}
	})
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.refuse(w, http.StatusForbidden, refusal{Title: "Sent by another site", Text: "Another site sent this form. Nothing was done."})
	}))
	return same.Handler(inner)
}

// local reports whether a request names this machine as its host. An attacker can make another name resolve to
// 127.0.0.1, and a page under that name could read the console (DNS rebinding). The port must be that of the listener.
func local(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	_, port, err := net.SplitHostPort(addr.String())
	return err == nil && slices.Contains([]string{"127.0.0.1:" + port, "localhost:" + port}, r.Host)
}

// cookieName includes the port, because browsers share cookies between ports.
func cookieName(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host) // local has checked it
	return "replayctl-console-" + port
}

func (c *Console) signedIn(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName(r))
	return err == nil && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(c.session)) == 1
}

// login exchanges the token for a cookie. Whoever is signed in may open the link again.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		c.refuse(w, http.StatusMethodNotAllowed, refusal{Title: "Not possible", Text: "Open the address that replayctl console has printed."})
		return
	case c.signedIn(r):
	case r.Header.Get("Sec-Purpose") != "" || !c.token.spend(r.URL.Query().Get("token")): // a prefetch must not use the token
		c.refuse(w, http.StatusForbidden, refusal{
			Title: "This link was used",
			Text:  "A link lets one browser in, once. End replayctl console with Ctrl-C, start it again, and open the address that it prints.",
		})
		return
	default:
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure, because it is for http on this machine
			Name: cookieName(r), Value: c.session, Path: "/", MaxAge: int(sessionLife / time.Second), HttpOnly: true,
			SameSite: http.SameSiteStrictMode,
		})
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// refusal is a page for a browser that is not admitted. It says nothing about the ingestion.
type refusal struct {
	Title, Text string
	Again       string // path to follow; empty: none
	Refresh     int    // always 0; the layout needs it
}

// signIn is the page for a browser without the cookie. A browser does not send a strict cookie if it follows a link of
// another site, such as a chat. It does if it follows the link on this page.
func signIn(r *http.Request) refusal {
	p := refusal{
		Title: "Sign in",
		Text: "Open the address that replayctl console has printed in your terminal. If you have done so in this browser, and came here " +
			"by a link of another page, continue:",
	}
	if r.Method == http.MethodGet {
		p.Again = r.URL.RequestURI()
	}
	return p
}

func (c *Console) refuse(w http.ResponseWriter, status int, p refusal) {
	write(w, status, "refusal", p)
}
