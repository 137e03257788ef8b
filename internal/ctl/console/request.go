package console

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/internal/event/filter"
	"github.com/ce873799/replayable-ingestion/replay"
)

// request reads the form as a request, and returns all of its faults.
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
	if err != nil { // cannot fail: the map has strings and valid JSON
		return replay.Request{}, append(b.faults, replay.Fault{Field: "body", Detail: err.Error()})
	}
	r, err := replay.Decode(body, c.o.Now())
	var wrong *replay.InvalidError
	if errors.As(err, &wrong) {
		b.faults = append(b.faults, wrong.Faults...)
	}
	return r, b.faults
}

// builder makes the document of a request from a form.
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

// bound reads a time or a version id.
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
	switch b.form.Get("change") {
	case "jsonata":
		doc["transform"] = map[string]any{"jsonata": strings.TrimSpace(b.form.Get("jsonata"))}
	case "function":
		call := map[string]any{"function": strings.TrimSpace(b.form.Get("function"))}
		if typed := strings.TrimSpace(b.form.Get("parameters")); json.Valid([]byte(typed)) {
			call["parameters"] = json.RawMessage(typed)
		} else if typed != "" {
			b.fault("transform.parameters", "must be valid JSON")
		}
		doc["transform"] = call
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
