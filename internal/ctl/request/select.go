package request

import (
	"maps"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/event/filter"
	"github.com/ce873799/replayable-ingestion/replay"
)

// selection says which resources are meant: all that is given must hold, and --all stands alone.
func (o *Flags) selection(f *factory.Factory, ids []string) (map[string]any, error) {
	sel := map[string]any{}
	if len(ids) > 0 {
		sel["resourceIds"] = ids
	}
	if o.owner != "" {
		sel["ownerId"] = o.owner
	}
	failed, err := window(f, "since", o.Since, "until", o.Until, "since", "until")
	if err != nil {
		return nil, err
	}
	for field, value := range map[string]string{"error": o.Error, "state": o.State, "cause": o.Cause} {
		if value != "" {
			failed[field] = value
		}
	}
	if o.Failures {
		sel["failures"] = failed
	} else if len(failed) > 0 {
		return nil, exit.Usagef("--error, --state, --cause, --since and --until go with --failures; --recorded-from and --recorded-to are about when events came")
	}
	switch {
	case o.all && len(sel) > 0:
		return nil, exit.Usagef("--all does not go with resource ids, --owner and --failures, which select less: leave it out")
	case o.all:
		sel["all"] = true
	case len(sel) == 0:
		if o.Action == replay.Redrive {
			return nil, exit.Usagef("say what to redrive: resource ids, -f FILE, --owner or --failures")
		}
		return nil, exit.Usagef("say what to replay: resource ids, -f FILE, --owner, --failures or --all")
	}
	if o.where != "" || o.given.Changed("where") {
		if _, err := filter.Parse(o.where); err != nil {
			return nil, exit.Usagef("--where: %w", err)
		}
		sel["where"] = o.where
	}
	if o.outcome != "" {
		sel["outcome"] = o.outcome
	}
	recorded, err := window(f, "recorded-from", o.recordedFrom, "recorded-to", o.recordedTo, "from", "to")
	if len(recorded) > 0 {
		sel["recorded"] = recorded
	}
	return sel, err
}

// list joins names as a sentence does: a, b and c.
func list(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// given lists the flags that have a value, in order of their names.
func given(flags map[string]string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if flags[name] != "" {
			names = append(names, name)
		}
	}
	return names
}

// window reads a range of times.
func window(f *factory.Factory, fromFlag, from, toFlag, to, fromField, toField string) (map[string]any, error) {
	out := map[string]any{}
	for _, end := range []struct{ flag, value, field string }{{fromFlag, from, fromField}, {toFlag, to, toField}} {
		if end.value == "" {
			continue
		}
		t, err := f.APITime(end.value)
		if err != nil {
			return nil, exit.Usagef("--%s %w", end.flag, err)
		}
		out[end.field] = t
	}
	return out, nil
}

// versionsOf says which versions are meant: one kind of them at most.
func (o *Flags) versionsOf(f *factory.Factory) (any, error) {
	var kinds []string
	var versions any
	kind := func(flag string, v any) { kinds, versions = append(kinds, flag), v }
	if len(o.Versions) > 0 {
		kind("--version", map[string]any{"ids": o.Versions})
	}
	if o.asOf != "" {
		t, err := f.APITime(o.asOf)
		if err != nil {
			return nil, exit.Usagef("--as-of %w", err)
		}
		kind("--as-of", map[string]any{"asOf": t})
	}
	if o.given.Changed("last") {
		kind("--last", map[string]any{"series": map[string]any{"last": o.last}})
	}
	bounds := given(map[string]string{"--from": o.from, "--to": o.to})
	if len(bounds) > 0 {
		kind(bounds[0], map[string]any{"series": o.bounds(f)})
	}
	// --last, --from and --to are a series by themselves: beside them --series changes nothing.
	if o.series && !o.given.Changed("last") && len(bounds) == 0 {
		kind("--series", map[string]any{"series": "all"})
	}
	if o.Latest && !o.Failures {
		return nil, exit.Usagef("--latest goes with --failures: leave it out, the latest version is the default")
	}
	if o.Latest {
		kind("--latest", string(replay.LatestVersion))
	}
	if len(kinds) > 1 {
		return nil, exit.Usagef("%s cannot be used together: use one of them", list(kinds))
	}
	if o.onFailure != "" {
		chosen, is := versions.(map[string]any)
		if !is {
			return nil, exit.Usagef("--on-failure goes with a series: --series, --last, --from, --to or --version")
		}
		chosen["onFailure"] = o.onFailure
	}
	return versions, nil
}

// bounds are times or version ids: what is not a time is an id.
func (o *Flags) bounds(f *factory.Factory) map[string]any {
	out := map[string]any{}
	for field, value := range map[string]string{"from": o.from, "to": o.to} {
		if value == "" {
			continue
		}
		out[field] = value
		if t, err := f.APITime(value); err == nil {
			out[field] = t
		}
	}
	return out
}
