package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// newCorrection shows the form that corrects a version for good.
func (c *Console) newCorrection(r *http.Request) (view, error) {
	if r.URL.Query().Get("resource") == "" {
		return view{}, errNoResource
	}
	return c.correction(r.URL.Query(), http.StatusOK, nil, nil), nil
}

// correction is the form, with what is wrong with it.
func (c *Console) correction(form url.Values, status int, faults []replay.Fault, shown *preview) view {
	if form.Get("change") == "" {
		form.Set("change", "merge")
	}
	form.Set("versions", "ids")
	v := c.wizard(form, status, faults, shown)
	v.page, v.title, v.command = "correct", "Correct "+form.Get("resource"), correctCommand(form)
	return v
}

// previewCorrection shows the form again, with what its transform does to the version.
func (c *Console) previewCorrection(r *http.Request) (view, error) {
	r.PostForm.Set("versions", "ids")
	shown := c.previewOf(r.Context(), r.PostForm)
	return c.correction(r.PostForm, http.StatusOK, nil, &shown), nil
}

// correct records a corrected version and runs it.
func (c *Console) correct(r *http.Request) (view, error) {
	form := r.PostForm
	request := replay.CorrectionRequest{
		ResourceID: form.Get("resource"), VersionID: form.Get("version"), AllowStale: form.Get("stale") != "",
		Reason: strings.TrimSpace(form.Get("reason")),
	}
	asked := url.Values{"resource": {request.ResourceID}, "reason": {request.Reason}}
	for _, name := range []string{"change", "mergePatch", "jsonPatch"} {
		asked.Set(name, form.Get(name))
	}
	read, faults := c.request(asked)
	if request.Transform = read.Transform; form.Get("change") != "merge" && form.Get("change") != "json" {
		faults = append(faults, replay.Fault{Field: "transform", Detail: "is required: say what is to be changed"})
	}
	if len(faults) > 0 {
		return c.correction(form, http.StatusUnprocessableEntity, faults, nil), nil
	}
	accepted, err := c.o.Client.CorrectVersion(r.Context(), keyOf(r.URL.Path, form), request)
	var refused *client.RefusedError
	if errors.As(err, &refused) && len(refused.Problem.Errors) > 0 {
		return c.correction(form, http.StatusUnprocessableEntity, refused.Problem.Errors, nil), nil
	}
	if err != nil {
		return view{}, err
	}
	return view{to: "/replays/" + accepted.ReplayID}, nil
}

// correctCommand is the command line that does the same.
func correctCommand(form url.Values) string {
	patch := []string{"--merge-patch", oneLine(form.Get("mergePatch"))}
	if form.Get("change") == "json" {
		patch = []string{"--json-patch", oneLine(form.Get("jsonPatch"))}
	}
	flags := append([]string{"--version", form.Get("version")}, patch...)
	line := command([]string{"correct"}, append(flags, "--reason", strings.TrimSpace(form.Get("reason")))...)
	if form.Get("stale") != "" {
		line += " --allow-stale"
	}
	return line + idsAtTheEnd(lines(form["resource"]))
}
