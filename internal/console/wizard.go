package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/internal/filter"
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

// newReplay shows the form, filled in as the address says: other pages lead here with what they are about.
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
	return view{page: "wizard", title: "New replay", command: replayCommand(form), status: status, data: p}
}

// chosenVersions is what the other fields of a form mean where none of the choices was made.
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

// redrives reports whether executions are to go on, which can change nothing about them.
func redrives(form url.Values) bool { return form.Get("action") == string(replay.Redrive) }

func faultText(f replay.Fault) string {
	if f.Value == "" {
		return inLabels(f.Detail)
	}
	return inLabels(f.Detail) + " (got " + f.Value + ")"
}

// formFields are the fields of the form by those of a request. One that is not here belongs to the beginning of it that is.
var formFields = map[string]string{
	"select": "resource", "select.resourceIds": "resource", "select.ownerId": "owner", "select.all": "all",
	"select.failures": "failures", "select.failures.error": "error", "select.failures.state": "state", "select.failures.cause": "cause",
	"select.failures.since": "since", "select.failures.until": "until", "select.recorded": "recordedTo",
	"select.recorded.from": "recordedFrom", "select.recorded.to": "recordedTo", "select.outcome": "outcome", "select.where": "where",
	"versions": "versions", "versions.ids": "version", "versions.asOf": "asOf", "versions.series": "versions",
	"versions.series.last": "last", "versions.series.from": "from", "versions.series.to": "to", "versions.onFailure": "onFailure",
	"transform": "change", "transform.mergePatch": "mergePatch", "transform.jsonPatch": "jsonPatch", "transform.jsonata": "jsonata",
	"action": "action", "publish": "suppress", "target": "target", "allowStale": "stale", "ignorePauseAlarm": "ignoreAlarm",
	"maxPerSecond": "maxPerSecond", "maxItems": "maxItems", "maxFailures": "maxFailures", "ramp": "ramp", "reason": "reason",
}

// fieldOf is the field of the form that a fault is about; empty if it is about no one.
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

// request reads the form as a request, and names everything that is wrong with it.
func (c *Console) request(form url.Values) (replay.Request, []replay.Fault) {
	b := builder{c: c, form: form}
	doc := map[string]any{"select": b.selection(), "reason": strings.TrimSpace(form.Get("reason"))}
	b.versions(doc)
	b.transform(doc)
	for field, value := range map[string]string{"action": form.Get("action"), "target": form.Get("target")} {
		if value != "" {
			doc[field] = value
		}
	}
	if form.Get("suppress") != "" {
		doc["publish"] = replay.PublishSuppress
	}
	if form.Get("stale") != "" {
		doc["allowStale"] = true
	}
	if form.Get("ignoreAlarm") != "" {
		doc["ignorePauseAlarm"] = true
	}
	if form.Get("ramp") != "" {
		doc["ramp"] = true
	}
	for _, field := range []string{"maxPerSecond", "maxItems", "maxFailures"} {
		b.number(doc, field, field, field)
	}
	body, err := json.Marshal(doc)
	if err != nil { // maps of texts, and JSON that was checked
		return replay.Request{}, append(b.faults, replay.Fault{Field: "body", Detail: err.Error()})
	}
	r, err := replay.Decode(body, c.o.Now())
	var wrong *replay.InvalidError
	if errors.As(err, &wrong) {
		b.faults = append(b.faults, wrong.Faults...)
	}
	return r, b.faults
}

// builder makes a request's document of a form.
type builder struct {
	c      *Console
	form   url.Values
	faults []replay.Fault
}

func (b *builder) fault(field, detail string) {
	b.faults = append(b.faults, replay.Fault{Field: field, Detail: detail})
}

func (b *builder) selection() map[string]any {
	sel := map[string]any{}
	if ids := lines(b.form["resource"]); len(ids) > 0 {
		sel["resourceIds"] = ids
	}
	if owner := b.form.Get("owner"); owner != "" {
		sel["ownerId"] = owner
	}
	if b.form.Get("all") != "" {
		sel["all"] = true
	}
	if b.form.Get("failures") != "" {
		f := map[string]any{}
		for _, name := range []string{"error", "state", "cause"} {
			if value := b.form.Get(name); value != "" {
				f[name] = value
			}
		}
		b.time(f, "since", "since", "select.failures.since")
		b.time(f, "until", "until", "select.failures.until")
		sel["failures"] = f
	}
	recorded := map[string]any{}
	b.time(recorded, "from", "recordedFrom", "select.recorded.from")
	b.time(recorded, "to", "recordedTo", "select.recorded.to")
	if len(recorded) > 0 {
		sel["recorded"] = recorded
	}
	if outcome := b.form.Get("outcome"); outcome != "" {
		sel["outcome"] = outcome
	}
	if where := strings.TrimSpace(b.form.Get("where")); where != "" {
		sel["where"] = where
		if _, err := filter.Parse(where); err != nil {
			b.fault("select.where", err.Error())
		}
	}
	return sel
}

func (b *builder) versions(doc map[string]any) {
	var v map[string]any
	choice := b.form.Get("versions")
	if redrives(b.form) && choice != "failed" && choice != "" {
		b.fault("versions", "must be the ones that failed: a redrive goes on with the execution that did")
		return
	}
	switch choice {
	case "", "default":
		return
	case "latest", "failed":
		doc["versions"] = choice
		return
	case "ids":
		v = map[string]any{"ids": lines(b.form["version"])}
	case "asOf":
		v = map[string]any{"asOf": ""}
		b.time(v, "asOf", "asOf", "versions.asOf")
		doc["versions"] = v
		return
	case "series":
		s := map[string]any{}
		b.number(s, "last", "last", "versions.series.last")
		b.bound(s, "from")
		b.bound(s, "to")
		v = map[string]any{"series": s}
		if len(s) == 0 {
			v["series"] = "all"
		}
	default:
		b.fault("versions", "must be one of the choices")
		return
	}
	if how := b.form.Get("onFailure"); how != "" {
		v["onFailure"] = how
	}
	doc["versions"] = v
}

// bound is a time, or else a version id.
func (b *builder) bound(into map[string]any, name string) {
	typed := strings.TrimSpace(b.form.Get(name))
	if typed == "" {
		return
	}
	into[name] = typed
	if read, err := when.Parse(typed, b.c.o.Now(), b.c.o.Zone); err == nil {
		into[name] = read.API
	}
}

func (b *builder) transform(doc map[string]any) {
	for choice, field := range map[string]string{"merge": "mergePatch", "json": "jsonPatch"} {
		if b.form.Get("change") != choice {
			continue
		}
		patch := strings.TrimSpace(b.form.Get(field))
		if !json.Valid([]byte(patch)) {
			b.fault("transform."+field, "must be valid JSON")
			continue
		}
		doc["transform"] = map[string]any{field: json.RawMessage(patch)}
	}
	if b.form.Get("change") == "jsonata" {
		doc["transform"] = map[string]any{"jsonata": strings.TrimSpace(b.form.Get("jsonata"))}
	}
}

func (b *builder) time(into map[string]any, name, field, path string) {
	typed := strings.TrimSpace(b.form.Get(field))
	if typed == "" {
		return
	}
	read, err := when.Parse(typed, b.c.o.Now(), b.c.o.Zone)
	if err != nil {
		b.fault(path, err.Error())
		return
	}
	into[name] = read.API
}

func (b *builder) number(into map[string]any, name, field, path string) {
	typed := strings.TrimSpace(b.form.Get(field))
	if typed == "" {
		return
	}
	n, err := strconv.Atoi(typed)
	if err != nil {
		b.fault(path, "must be a whole number")
		return
	}
	into[name] = n
}

// lines are the lines of a field that are not empty.
func lines(values []string) (all []string) {
	for _, value := range values {
		for line := range strings.SplitSeq(value, "\n") {
			if line = strings.Trim(line, "\r"); strings.TrimSpace(line) != "" {
				all = append(all, line)
			}
		}
	}
	return all
}

// plan asks for a dry run of the form's request, and shows it.
func (c *Console) plan(r *http.Request) (view, error) {
	request, faults := c.request(r.PostForm)
	if len(faults) > 0 {
		return c.wizard(r.PostForm, http.StatusUnprocessableEntity, faults, nil), nil
	}
	request.DryRun = true
	accepted, err := c.o.Client.CreateReplay(r.Context(), keyOf(r.URL.Path, r.PostForm), request)
	if before := start.UsedBefore(err); before != "" { // the same form, with times that count from now
		return view{to: "/replays/" + before}, nil
	}
	var refused *client.RefusedError
	if errors.As(err, &refused) && len(refused.Problem.Errors) > 0 {
		return c.wizard(r.PostForm, http.StatusUnprocessableEntity, refused.Problem.Errors, nil), nil
	}
	if err != nil {
		return view{}, err
	}
	return view{to: "/replays/" + accepted.ReplayID}, nil
}
