package console

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/replay"
)

// newKey returns a random value from which a form's Idempotency-Key is made.
func newKey() string { return rand.Text() }

// apply runs a plan. The key follows from the plan, so one replay starts, however often the form is sent.
func (c *Console) apply(r *http.Request) (view, error) {
	id, hash := r.PathValue("id"), r.PostForm.Get("hash")
	accepted, err := c.o.Client.Replays.Apply(r.Context(), keyOf(r.URL.Path, url.Values{"hash": {hash}}), replay.Apply{PlanID: id, PlanHash: hash})
	if err != nil {
		return view{}, err
	}
	return done("/replays/"+accepted.ReplayID, "applied"), nil
}

// cancel is idempotent: a replay that has ended stays as it is.
func (c *Console) cancel(r *http.Request) (view, error) {
	s, err := c.o.Client.Replays.Cancel(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return done("/replays/"+s.ReplayID, "cancelled"), nil
}

// preview shows what a transform would do to one event.
type preview struct {
	Resource, Version string
	Changes           []changed
	Count             int
	Before, After     string
	Text              string // why there is nothing to show
	Wrong             bool
}

// showPreview shows the form again, with the effect of its transform on one event. It changes nothing.
func (c *Console) showPreview(r *http.Request) (view, error) {
	shown := c.previewOf(r.Context(), r.PostForm)
	return c.wizard(r.PostForm, http.StatusOK, nil, &shown), nil
}

func (c *Console) previewOf(ctx context.Context, form url.Values) preview {
	if field := map[string]string{"merge": "mergePatch", "json": "jsonPatch", "jsonata": "jsonata"}[form.Get("change")]; field != "" &&
		strings.TrimSpace(form.Get(field)) == "" {
		return preview{Text: "Enter the change to see what it does to an event."}
	}
	if form.Get("change") == "function" {
		return preview{Text: "A function runs in your account. The plan shows what it makes of some of the events."}
	}
	b := builder{c: c, form: form}
	doc := map[string]any{}
	b.transform(doc)
	if len(b.faults) > 0 {
		return preview{Wrong: true, Text: "The patch " + b.faults[0].Detail + "."}
	}
	if doc["transform"] == nil {
		return preview{Text: "Choose how to change the events. Otherwise, they run as they were recorded."}
	}
	full := url.Values{"resource": {"x"}, "reason": {"preview"}}
	for _, name := range []string{"change", "mergePatch", "jsonPatch", "jsonata"} {
		full.Set(name, form.Get(name))
	}
	request, faults := c.request(full)
	if len(faults) > 0 {
		return preview{Wrong: true, Text: "The patch " + faultText(faults[0]) + "."}
	}
	p, err := c.sample(ctx, form)
	if err != nil {
		return preview{Wrong: true, Text: "No event could be read to show it on: " + explain(err).Text}
	}
	event, err := c.o.Client.Versions.GetEvent(ctx, p.Resource, p.Version)
	if err != nil {
		return preview{Wrong: true, Text: "The event could not be read: " + explain(err).Text}
	}
	t, err := transform.New(ctx, request.Transform, nil)
	if err == nil {
		var after []byte
		if after, err = t.Apply(ctx, event, transform.Subject{ResourceID: p.Resource, VersionID: p.Version, DryRun: true}); err == nil {
			p.Changes, p.Count, err = c.compare(event, after)
		}
	}
	if err != nil {
		p.Wrong, p.Text = true, "It cannot be applied to this event: "+err.Error()
	}
	return p
}

var errNoSample = errors.New("select a resource, an owner with failures, or failures: then one of their events is taken")

// sample chooses the event for a preview: a named version, the newest version of a named resource, or the newest of the
// selected failures.
func (c *Console) sample(ctx context.Context, form url.Values) (preview, error) {
	if ids := lines(form["resource"]); len(ids) > 0 {
		if versions := lines(form["version"]); len(versions) > 0 && form.Get("versions") == "ids" {
			return preview{Resource: ids[0], Version: versions[0]}, nil
		}
		page, err := c.o.Client.WithPageSize(1).Versions.ListPage(ctx, ids[0], "")
		if err != nil {
			return preview{}, err
		}
		for _, v := range page.Versions {
			return preview{Resource: ids[0], Version: v.VersionID}, nil
		}
		return preview{}, errNoSample
	}
	if form.Get("failures") == "" && form.Get("owner") == "" {
		return preview{}, errNoSample
	}
	q := replay.FailureQuery{OwnerID: form.Get("owner")}
	if form.Get("failures") != "" {
		faults := map[string]string{}
		q = c.failureQuery(form, faults)
		for name, text := range faults {
			return preview{}, errors.New(name + " " + text)
		}
		q.Status = replay.FailureQuarantined
	}
	page, err := c.o.Client.WithPageSize(pageSize).Failures.ListPage(ctx, q, "")
	if err != nil {
		return preview{}, err
	}
	for _, f := range page.Failures {
		if f.ResourceID != "" && f.VersionID != "" {
			return preview{Resource: f.ResourceID, Version: f.VersionID}, nil
		}
	}
	return preview{}, errNoSample
}
