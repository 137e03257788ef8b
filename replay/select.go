package replay

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// selection reads what is selected. All that is given must hold, so that an empty selection would be everything: it is
// refused.
func (d *decoder) selection(raw json.RawMessage) Select {
	var s Select
	fields, ok := d.object("select", raw, "resourceIds", "ownerId", "all", "failures", "recorded", "outcome", "where")
	if !ok {
		return s
	}
	if len(fields["resourceIds"])+len(fields["ownerId"])+len(fields["failures"])+len(fields["all"]) == 0 {
		d.fault("select", raw, "must have at least one of resourceIds, ownerId, failures and all: "+
			"the others narrow what these select")
	}
	if all, given := fields["all"]; given && d.boolean("select.all", all, &s.All) {
		if others := len(fields["resourceIds"]) + len(fields["ownerId"]) + len(fields["failures"]); !s.All {
			d.fault("select.all", all, "must be true: leave it out, and select something else instead")
		} else if others > 0 {
			d.fault("select.all", all, "does not go with resourceIds, ownerId and failures, which select less: leave it out")
		}
	}
	if ids, given := fields["resourceIds"]; given {
		s.ResourceIDs = d.resourceIDs(ids)
	}
	if owner, given := fields["ownerId"]; given && d.text("select.ownerId", owner, &s.OwnerID) {
		if err := CheckOwnerID(s.OwnerID); err != nil {
			d.fault("select.ownerId", owner, err.Error())
		}
	}
	if failures, given := fields["failures"]; given {
		s.Failures = d.failures(failures)
	}
	if recorded, given := fields["recorded"]; given {
		s.Recorded = d.window(recorded)
	}
	choice(d, "select.outcome", fields["outcome"], &s.Outcome, VersionOutcomes()...)
	if where, given := fields["where"]; given && d.text("select.where", where, &s.Where) {
		d.where(where, s.Where)
	}
	return s
}

// where checks what does not need a parser: the API parses the filter.
func (d *decoder) where(raw json.RawMessage, where string) {
	switch {
	case strings.TrimSpace(where) == "":
		d.fault("select.where", raw, "must be a filter such as \"@.listing.priceUsd > 500000\" (RFC 9535, section 2.3.5)")
	case len(where) > MaxWhereBytes:
		d.fault("select.where", raw, fmt.Sprintf("has %d bytes, the most is %d: shorten it", len(where), MaxWhereBytes))
	case !utf8.ValidString(where) || strings.ContainsRune(where, utf8.RuneError):
		d.fault("select.where", raw, "must be valid Unicode")
	}
}

func (d *decoder) window(raw json.RawMessage) *Window {
	fields, ok := d.object("select.recorded", raw, "from", "to")
	if !ok {
		return nil
	}
	w := &Window{From: d.time("select.recorded.from", fields["from"]), To: d.time("select.recorded.to", fields["to"])}
	if len(fields) == 0 {
		d.fault("select.recorded", raw, "must have from, to or both")
	}
	d.ordered("select.recorded.to", fields["to"], w.From, w.To)
	return w
}

func (d *decoder) failures(raw json.RawMessage) *FailureFilter {
	fields, ok := d.object("select.failures", raw, "error", "state", "cause", "since", "until")
	if !ok {
		return &FailureFilter{}
	}
	f := &FailureFilter{
		Since: d.time("select.failures.since", fields["since"]), Until: d.time("select.failures.until", fields["until"]),
	}
	d.glob("select.failures.error", fields["error"], "Lambda.*", &f.Error)
	d.glob("select.failures.state", fields["state"], "Enrich*", &f.State)
	if raw, given := fields["cause"]; given && d.text("select.failures.cause", raw, &f.Cause) {
		d.line("select.failures.cause", raw, f.Cause, MaxTargetBytes)
	}
	d.ordered("select.failures.until", fields["until"], f.Since, f.Until)
	return f
}

// glob reads a name, or a glob of path.Match.
func (d *decoder) glob(field string, raw json.RawMessage, example string, into *string) {
	if raw == nil || !d.text(field, raw, into) {
		return
	}
	d.line(field, raw, *into, MaxTargetBytes)
	if _, err := path.Match(*into, ""); err != nil {
		d.fault(field, raw, fmt.Sprintf("must be a name or a glob such as %q: %v", example, err))
	}
}

func (d *decoder) resourceIDs(raw json.RawMessage) []string {
	const field = "select.resourceIds"
	ids, ok := d.texts(field, raw, MaxResourceIDs, "resources: split a longer list into several requests")
	if !ok {
		return nil
	}
	for i, id := range ids {
		if _, err := EventKey(id); err != nil {
			d.fault(fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%q", Shorten(id)), err.Error())
		}
	}
	return unique(ids)
}
