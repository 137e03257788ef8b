package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// wizardPage is the data of the form for a new replay.
type wizardPage struct {
	Form     url.Values
	Faults   map[string]string // by field of the form
	Other    []string          // faults that belong to no field
	Outcomes []replay.VersionOutcome
	Key      string
	Preview  *preview
}

// Has reports whether a field of the form has a value.
func (p wizardPage) Has(name string) bool { return p.Form.Get(name) != "" }

// Open reports whether a part of the form is unfolded, because one of its fields has a fault or a value other than its
// default.
func (p wizardPage) Open(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return p.Faults[name] != "" || p.Has(name) && p.Form.Get(name) != string(replay.Rerun)
	})
}

// newReplay shows the form, filled in from the query: other pages link to it with their subject.
func (c *Console) newReplay(r *http.Request) (view, error) {
	return c.wizard(r.URL.Query(), http.StatusOK, nil, nil), nil
}

func (c *Console) wizard(form url.Values, status int, faults []replay.Fault, shown *preview) view {
	p := wizardPage{Form: form, Faults: map[string]string{}, Outcomes: replay.VersionOutcomes(), Key: form.Get(keyField), Preview: shown}
	if p.Key == "" {
		p.Key = newKey()
	}
	if form.Get("versions") == "" {
		form.Set("versions", chosenVersions(form))
	}
	if form.Get("change") == "" {
		form.Set("change", "none")
	}
	for _, f := range faults {
		if name := fieldOf(f.Field); name != "" {
			p.Faults[name] = strings.TrimPrefix(p.Faults[name]+"; "+faultText(f), "; ")
			continue
		}
		p.Other = append(p.Other, inLabels(f.Field)+" "+faultText(f))
	}
	return view{page: "wizard", title: "New replay", command: replayCommand(form), form: true, status: status, data: p}
}

// chosenVersions is the choice of versions that the other fields imply if none was made.
func chosenVersions(form url.Values) string {
	switch {
	case form.Get("version") != "":
		return "ids"
	case form.Get("failures") != "", redrives(form):
		return "failed"
	default:
		return "latest"
	}
}

// redrives reports whether the form asks for a redrive, which cannot change events.
func redrives(form url.Values) bool { return form.Get("action") == string(replay.Redrive) }

func faultText(f replay.Fault) string {
	if f.Value == "" {
		return inLabels(f.Detail)
	}
	return inLabels(f.Detail) + " (got " + f.Value + ")"
}

// formFields maps fields of a request to fields of the form. A field that is not here belongs to its longest prefix
// that is.
var formFields = map[string]string{
	"select": "resource", "select.resourceIds": "resource", "select.ownerId": "owner", "select.all": "all",
	"select.failures": "failures", "select.failures.error": "error", "select.failures.state": "state", "select.failures.cause": "cause",
	"select.failures.since": "since", "select.failures.until": "until", "select.recorded": "recordedTo",
	"select.recorded.from": "recordedFrom", "select.recorded.to": "recordedTo", "select.outcome": "outcome", "select.where": "where",
	"versions": "versions", "versions.ids": "version", "versions.asOf": "asOf", "versions.series": "versions",
	"versions.series.last": "last", "versions.series.from": "from", "versions.series.to": "to", "versions.onFailure": "onFailure",
	"transform": "change", "transform.mergePatch": "mergePatch", "transform.jsonPatch": "jsonPatch", "transform.jsonata": "jsonata",
	"transform.function": "function", "transform.parameters": "parameters",
	"action": "action", "publish": "suppress", "target": "target", "allowStale": "stale", "ignorePauseAlarm": "ignoreAlarm",
	"maxPerSecond": "maxPerSecond", "maxItems": "maxItems", "maxFailures": "maxFailures", "ramp": "ramp", "reason": "reason",
}

// fieldOf is the field of the form that a fault is about, "" if there is none.
func fieldOf(path string) string {
	path, _, _ = strings.Cut(path, "[")
	for path != "" {
		if name := formFields[path]; name != "" {
			return name
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return ""
		}
		path = path[:i]
	}
	return ""
}

// plan requests a dry run of the form's request, and shows it.
func (c *Console) plan(r *http.Request) (view, error) {
	request, faults := c.request(r.PostForm)
	if len(faults) > 0 {
		return c.wizard(r.PostForm, http.StatusUnprocessableEntity, faults, nil), nil
	}
	request.DryRun = true
	accepted, err := c.o.Client.Replays.Create(r.Context(), keyOf(r.URL.Path, r.PostForm), request)
	if before := start.UsedBefore(err); before != "" { // the same form, whose relative times now mean other times
		return done("/replays/"+before, "planned"), nil
	}
	var refused *client.RefusedError
	if errors.As(err, &refused) && len(refused.Problem.Errors) > 0 {
		return c.wizard(r.PostForm, http.StatusUnprocessableEntity, refused.Problem.Errors, nil), nil
	}
	if err != nil {
		return view{}, err
	}
	return done("/replays/"+accepted.ReplayID, "planned"), nil
}
