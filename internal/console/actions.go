package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/transform"
	"github.com/ce873799/replayable-ingestion/replay"
)

// newKey is what a form's Idempotency-Key is made of.
func newKey() string { return rand.Text() }

// apply runs a plan. The key follows from the plan: however often and from wherever the form is sent, one replay starts.
func (c *Console) apply(r *http.Request) (view, error) {
	id, hash := r.PathValue("id"), r.PostForm.Get("hash")
	accepted, err := c.o.Client.ApplyPlan(r.Context(), keyOf(r.URL.Path, url.Values{"hash": {hash}}), replay.Apply{PlanID: id, PlanHash: hash})
	if err != nil {
		return view{}, err
	}
	return view{to: "/replays/" + accepted.ReplayID}, nil
}

// cancel is idempotent: a replay that has ended stays as it is.
func (c *Console) cancel(r *http.Request) (view, error) {
	s, err := c.o.Client.CancelReplay(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return view{to: "/replays/" + s.ReplayID}, nil
}

// preview is what a transform would do to one event.
type preview struct {
	Resource, Version string
	Changes           []changed
	Count             int
	Before, After     string
	Text              string // why there is nothing to show
	Wrong             bool
}

// showPreview shows the form again, with what its transform would do to an event. It changes nothing.
func (c *Console) showPreview(r *http.Request) (view, error) {
	shown := c.previewOf(r.Context(), r.PostForm)
	return c.wizard(r.PostForm, http.StatusOK, nil, &shown), nil
}

func (c *Console) previewOf(ctx context.Context, form url.Values) preview {
	if field := map[string]string{"merge": "mergePatch", "json": "jsonPatch", "jsonata": "jsonata"}[form.Get("change")]; field != "" &&
		strings.TrimSpace(form.Get(field)) == "" {
		return preview{Text: "Enter the change to see what it does to an event."}
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
	event, err := c.o.Client.Event(ctx, p.Resource, p.Version)
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

// sample chooses the event on which a transform is shown: a version that is named, the newest of a resource that is named,
// or what failed last among what is selected.
func (c *Console) sample(ctx context.Context, form url.Values) (preview, error) {
	if ids := lines(form["resource"]); len(ids) > 0 {
		if versions := lines(form["version"]); len(versions) > 0 && form.Get("versions") == "ids" {
			return preview{Resource: ids[0], Version: versions[0]}, nil
		}
		page, err := c.o.Client.WithPageSize(1).VersionsPage(ctx, ids[0], "")
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
	page, err := c.o.Client.WithPageSize(pageSize).FailuresPage(ctx, q, "")
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

// replayCommand is the command line that plans the same.
func replayCommand(form url.Values) string {
	words := []string{"replay"}
	if action := form.Get("action"); action == string(replay.Republish) || action == string(replay.Redrive) {
		words[0] = action
	}
	flags := []string{"--owner", form.Get("owner")}
	if form.Get("failures") != "" {
		flags = append(flags, "--error", form.Get("error"), "--state", form.Get("state"), "--cause", form.Get("cause"),
			"--since", form.Get("since"), "--until", form.Get("until"))
	}
	flags = append(flags, "--recorded-from", form.Get("recordedFrom"), "--recorded-to", form.Get("recordedTo"),
		"--outcome", form.Get("outcome"), "--where", form.Get("where"))
	if !redrives(form) {
		flags = append(flags, changingFlags(form)...)
	}
	flags = append(flags, "--max-per-second", form.Get("maxPerSecond"), "--max-items", form.Get("maxItems"),
		"--max-failures", form.Get("maxFailures"), "--reason", strings.TrimSpace(form.Get("reason")))
	words[0] += switches(form)
	return command(words, flags...) + " --plan" + idsAtTheEnd(lines(form["resource"]))
}

// changingFlags say which versions run and what changes, with values. `replayctl redrive` has none of them.
func changingFlags(form url.Values) (flags []string) {
	switch form.Get("versions") {
	case "ids":
		for _, id := range lines(form["version"]) {
			flags = append(flags, "--version", id)
		}
	case "asOf":
		flags = append(flags, "--as-of", form.Get("asOf"))
	case "series":
		flags = append(flags, "--last", form.Get("last"), "--from", form.Get("from"), "--to", form.Get("to"), "--on-failure", form.Get("onFailure"))
	}
	switch form.Get("change") {
	case "merge":
		flags = append(flags, "--merge-patch", oneLine(form.Get("mergePatch")))
	case "json":
		flags = append(flags, "--json-patch", oneLine(form.Get("jsonPatch")))
	case "jsonata":
		flags = append(flags, "--jsonata", strings.TrimSpace(form.Get("jsonata")))
	}
	return append(flags, "--target", form.Get("target"))
}

func switches(form url.Values) (line string) {
	for _, s := range []struct{ name, flag string }{{"all", "--all"}, {"failures", "--failures"}, {"suppress", "--suppress-publish"}, {"stale", "--allow-stale"}, {"ignoreAlarm", "--ignore-pause-alarm"}, {"ramp", "--ramp"}} {
		if form.Get(s.name) != "" && (!redrives(form) || s.name != "all" && s.name != "suppress") {
			line += " " + s.flag
		}
	}
	if redrives(form) {
		return line
	}
	if form.Get("versions") == "series" && form.Get("last")+form.Get("from")+form.Get("to") == "" {
		line += " --series"
	}
	if form.Get("versions") == "latest" && form.Get("failures") != "" {
		line += " --latest"
	}
	return line
}

// idsAtTheEnd names resources behind --, which has every id read as one.
func idsAtTheEnd(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	line := " --"
	for _, id := range ids {
		line += " " + factory.ShellWord(id)
	}
	return line
}

// oneLine is a patch without what only makes it easy to read.
func oneLine(patch string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(patch)) != nil {
		return strings.Join(strings.Fields(patch), " ")
	}
	return b.String()
}
