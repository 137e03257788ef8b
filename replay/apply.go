package replay

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
)

var (
	ulidText = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
	hashText = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// apply reads which plan is applied. Everything else is in the plan's own request.
func (d *decoder) apply(raw json.RawMessage, fields map[string]json.RawMessage) Request {
	a := &Apply{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "apply" {
			d.fault(name, fields[name], "does not go with apply, which runs a plan as it was made: leave it out, or make another plan")
		}
	}
	members, ok := d.object("apply", raw, "planId", "planHash")
	if !ok {
		return Request{}
	}
	d.matching("apply.planId", members["planId"], ulidText, "must be the replay id of a dry run", &a.PlanID)
	d.matching("apply.planHash", members["planHash"], hashText, "must be the planHash of the plan: 64 digits, 0 to 9 and a to f", &a.PlanHash)
	return Request{Apply: a}
}

func (d *decoder) matching(field string, raw json.RawMessage, grammar *regexp.Regexp, want string, into *string) {
	if raw == nil {
		d.fault(field, nil, "is required: it "+want)
		return
	}
	if json.Unmarshal(raw, into) != nil || !grammar.MatchString(*into) {
		d.fault(field, raw, want)
	}
}
