package console

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

//go:embed templates/*.html static/*
var files embed.FS

// static serves the files that pages load.
var static = http.StripPrefix(staticPath, http.FileServerFS(sub(files, "static")))

func sub(fsys fs.FS, dir string) fs.FS {
	inner, err := fs.Sub(fsys, dir)
	if err != nil { // fails only for a malformed name
		panic(err)
	}
	return inner
}

// pages are the templates by name. Each is the layout with the page's own "main".
var pages = func() map[string]*template.Template {
	all := map[string]*template.Template{}
	base := template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts*.html"))
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
		if name == "layout" || strings.HasPrefix(name, "parts") {
			continue
		}
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(files, file))
	}
	return all
}()

var functions = template.FuncMap{
	"cause": factory.CauseText,
	"size":  output.Size,
	"lower": func(v any) string { return strings.ToLower(text(v)) },
	"tone":  tone,
	"count": grouped,

	"link":    link,
	"group":   groupLink,
	"exactly": exactly,
	"trend":   trend,
	"label":   label,
	"runs":    versions.Runs,
	"kind":    versions.Kind,
	"failed":  versions.LastError,
	"short":   short,
	"ratio":   ratio,
	"dollars": dollars,
	"text":    text,

	"standing": standing,
	"progress": progressOf,
	"things":   things,
	"noun":     noun,
	"verb":     verb,
	"fields":   func() []string { return filterFields },
	"changes":  func() []string { return []string{"change", "mergePatch", "jsonPatch"} },
}

// view is a page before it is rendered.
type view struct {
	page    string // name of the template
	title   string
	command string        // arguments of replayctl that do the same
	status  int           // default: 200
	form    bool          // the command belongs to a form, and follows what is typed
	refresh time.Duration // how often an open page is reloaded; 0: never
	data    any
	to      string // path of a redirect, after a form
}

// shown is the data of a template.
type shown struct {
	*Console
	Title   string
	Command string
	Form    bool
	Path    string // of the page, with its query
	Done    string // what was just done
	Paused  []notice
	Refresh int // in seconds; 0: never
	Now     time.Time
	Data    any
}

// How often an open page is reloaded.
const (
	quickly = 2 * time.Second
	slowly  = 10 * time.Second
)

// Options returns the options of the console, for the layout.
func (c *Console) Options() Options { return c.o }

// ExecutionURL is the page of an execution in the AWS console, "" if there is none.
func (c *Console) ExecutionURL(name string) string { return c.o.ExecutionURL(name) }

// Changes is the data of a table of differences: those that are shown, and the number of all.
func (c *Console) Changes(all []changed, n int, caption string) any {
	return c.With(struct {
		Changes     []changed
		Count, More int
		Caption     string
	}{all, n, n - len(all), caption})
}

var errNoPage = errors.New("there is no such page")

// page makes a handler from a function that reads a page's data.
func (c *Console) page(read func(*http.Request) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		paused := c.noticed(r)
		v, err := read(r)
		if err != nil {
			v = c.failed(err)
		}
		if v.to != "" {
			http.Redirect(w, r, v.to, http.StatusSeeOther)
			return
		}
		s := shown{
			Console: c, Title: v.title, Form: v.form, Path: address(r.URL), Done: messages[r.URL.Query().Get(doneField)], Paused: paused(),
			Refresh: int(v.refresh / time.Second), Now: c.o.Now(), Data: v.data,
		}
		if v.command != "" {
			s.Command = c.o.Command(v.command)
		}
		if v.status == 0 {
			v.status = http.StatusOK
		}
		write(w, v.status, v.page, s)
	}
}

// write renders the whole page before it sends the first byte.
func write(w http.ResponseWriter, status int, page string, data any) {
	var b bytes.Buffer
	if err := pages[page].ExecuteTemplate(&b, "layout", data); err != nil {
		http.Error(w, "render the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // fails if the browser has gone
}

// problem is an error as a page shows it.
type problem struct {
	Text      string
	Do        []string
	RequestID string
}

// failed is the page for an error.
func (c *Console) failed(err error) view {
	v := view{page: "error", title: "Something went wrong", status: http.StatusBadGateway}
	var refused *client.RefusedError
	switch {
	case notFound(err):
		v.title, v.status = "Not found", http.StatusNotFound
	case errors.Is(err, errNoResource), errors.Is(err, errNoOwner), errors.Is(err, errNoPair):
		v.title, v.status = "The address is not complete", http.StatusBadRequest
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		v.title, v.status = "The API refused the request", refused.Status
	}
	v.data = explain(err)
	return v
}

func explain(err error) problem {
	p := problem{Text: err.Error()}
	var refused *client.RefusedError
	if errors.As(err, &refused) {
		p.RequestID = refused.Problem.RequestID
		if refused.Problem.Detail != "" {
			p.Text = refused.Problem.Detail
		}
		for _, f := range refused.Problem.Errors {
			p.Do = append(p.Do, f.String())
		}
		if refused.Status == http.StatusForbidden {
			p.Do = append(p.Do, "The credentials of replayctl lack a permission. `aws sts get-caller-identity` says whose they are.")
		}
	}
	var unreachable *client.UnreachableError
	if errors.As(err, &unreachable) {
		p.Do = append(p.Do, "The API did not answer. Reload the page to ask again.")
	}
	return p
}
