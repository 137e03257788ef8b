package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// confirmField is the field with the name of the stage, which must be typed for a production stage.
const confirmField = "confirm"

// keyField is the field with the random value from which the Idempotency-Key is made.
const keyField = "key"

// confirmPage is the data of the page that asks for the name of the stage. It keeps the values of the form.
type confirmPage struct {
	Action string
	Values []field
	Wrong  string // what was typed instead
}

type field struct{ Name, Value string }

// change makes a handler from a function that changes something. In production, it first asks for the name of the
// stage.
func (c *Console) change(do func(*http.Request) (view, error)) http.HandlerFunc {
	return c.ask(func(r *http.Request) (view, error) {
		if got := strings.TrimSpace(r.PostForm.Get(confirmField)); c.o.Production && got != c.o.Stage {
			return view{page: "confirm", title: "This is production", status: http.StatusUnprocessableEntity,
				data: confirmPage{Action: r.URL.Path, Values: fieldsOf(r.PostForm), Wrong: got}}, nil
		}
		return do(r)
	})
}

// ask makes a handler from a function that writes to the API. All such functions go through it, because it refuses them
// if the console is read-only.
func (c *Console) ask(do func(*http.Request) (view, error)) http.HandlerFunc {
	return c.form(func(r *http.Request) (view, error) {
		if c.o.ReadOnly {
			return view{page: "error", title: "This console is read-only", status: http.StatusForbidden, data: problem{
				Text: "Nothing was done.", Do: []string{"Start replayctl console without --read-only to change something."},
			}}, nil
		}
		return do(r)
	})
}

// form makes a handler from a function that reads a form.
func (c *Console) form(do func(*http.Request) (view, error)) http.HandlerFunc {
	return c.page(func(r *http.Request) (view, error) {
		if err := r.ParseForm(); err != nil {
			p := problem{Text: fmt.Sprintf("The form cannot be read: %v.", err)}
			status := http.StatusBadRequest
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				status = http.StatusRequestEntityTooLarge
				p.Text = fmt.Sprintf("The form is larger than %d bytes. Use replayctl replay with a file.", large.Limit)
			}
			return view{page: "error", title: "Nothing was done", status: status, data: p}, nil
		}
		return do(r)
	})
}

// fieldsOf lists the values of a form as hidden fields of another one.
func fieldsOf(form url.Values) (all []field) {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if name != confirmField {
				all = append(all, field{name, value})
			}
		}
	}
	return all
}

// keyOf is the Idempotency-Key of a form. It is the same however often a form is sent with the same values. A form that
// was changed is another request, which needs another key.
func keyOf(path string, form url.Values) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q", path) // a hash never fails
	for _, f := range fieldsOf(form) {
		_, _ = fmt.Fprintf(h, "%q%q", f.Name, f.Value)
	}
	return "console-" + hex.EncodeToString(h.Sum(nil)[:16])
}
