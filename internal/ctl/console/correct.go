package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// correctionPage is the data of the two pages of a correction: what to change, then why.
type correctionPage struct {
	wizardPage
	Event    string // the event that is corrected
	EventErr *problem
}

// Wizard is the part that all forms that change events have.
func (p correctionPage) Wizard() wizardPage { return p.wizardPage }

// newCorrection shows the form for a correction of a version.
func (c *Console) newCorrection(r *http.Request) (view, error) {
	form := r.URL.Query()
	if form.Get("resource") == "" {
		return view{}, errNoResource
	}
	return c.correction(r.Context(), form, http.StatusOK, nil, nil), nil
}

// correction is the page with the form, its faults, and the event.
func (c *Console) correction(ctx context.Context, form url.Values, status int, faults []replay.Fault, shown *preview) view {
	v, p := c.correctionStep(form, status, faults, shown)
	if c.o.Payloads != PayloadsNone {
		event, err := c.o.Client.Versions.GetEvent(ctx, form.Get("resource"), form.Get("version"))
		if err == nil {
			p.Event, err = c.eventText(event)
		}
		p.EventErr = fault(err)
	}
	v.page, v.title, v.data = "correct", "Correct "+form.Get("resource"), p
	return v
}

// reasoning is the second page: it shows what the change does, and asks for the reason.
func (c *Console) reasoning(form url.Values, status int, faults []replay.Fault, shown preview) view {
	v, p := c.correctionStep(form, status, faults, &shown)
	v.page, v.title, v.data = "correct-confirm", "Correct "+form.Get("resource")+" for good?", p
	return v
}

func (c *Console) correctionStep(form url.Values, status int, faults []replay.Fault, shown *preview) (view, correctionPage) {
	if form.Get("change") == "" {
		form.Set("change", "merge")
	}
	form.Set("versions", "ids")
	v := c.wizard(form, status, faults, shown)
	v.command = correctCommand(form)
	page, _ := v.data.(wizardPage) // wizard has set it
	return v, correctionPage{wizardPage: page}
}

// previewCorrection shows the form again, with the effect of its transform on the version.
func (c *Console) previewCorrection(r *http.Request) (view, error) {
	r.PostForm.Set("versions", "ids")
	shown := c.previewOf(r.Context(), r.PostForm)
	return c.correction(r.Context(), r.PostForm, http.StatusOK, nil, &shown), nil
}

// confirmCorrection shows what the change does, and asks for the reason. It changes nothing.
func (c *Console) confirmCorrection(r *http.Request) (view, error) {
	r.PostForm.Set("versions", "ids")
	shown := c.previewOf(r.Context(), r.PostForm)
	if shown.Text == "" && shown.Count > 0 {
		return c.reasoning(r.PostForm, http.StatusOK, nil, shown), nil
	}
	detail := "changes nothing in this event"
	switch {
	case shown.Wrong:
		detail = strings.TrimSuffix(shown.Text, ".")
	case shown.Text != "":
		detail = "is required: enter a patch"
	}
	faults := []replay.Fault{{Field: "transform", Detail: detail}}
	return c.correction(r.Context(), r.PostForm, http.StatusUnprocessableEntity, faults, nil), nil
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
		return c.again(r, faults), nil
	}
	accepted, err := c.o.Client.Versions.Correct(r.Context(), keyOf(r.URL.Path, form), request)
	var refused *client.RefusedError
	if errors.As(err, &refused) && len(refused.Problem.Errors) > 0 {
		return c.again(r, refused.Problem.Errors), nil
	}
	if err != nil {
		return view{}, err
	}
	return done("/replays/"+accepted.ReplayID, "corrected"), nil
}

// again shows the page that has the faults.
func (c *Console) again(r *http.Request, faults []replay.Fault) view {
	const status = http.StatusUnprocessableEntity
	if slices.ContainsFunc(faults, func(f replay.Fault) bool { return strings.HasPrefix(f.Field, "transform") }) {
		return c.correction(r.Context(), r.PostForm, status, faults, nil)
	}
	return c.reasoning(r.PostForm, status, faults, c.previewOf(r.Context(), r.PostForm))
}
