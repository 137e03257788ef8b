package ctl

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ce873799/replayable-ingestion/replay"
)

// order are the flags that make a request.
type order struct {
	action replay.Action

	ids           []string // arguments
	file          string
	owner         string
	all, failures bool
	errorGlob     string
	since, until  string

	recordedFrom, recordedTo string

	versions       []string
	asOf           string
	series, latest bool
	last           int
	from, to       string
	onFailure      string

	mergePatch, jsonPatch string

	suppressPublish, allowStale, dryRun bool
	target, reason                      string
	maxPerSecond, maxItems, maxFailures int

	key       string
	yes, wait bool
	given     *pflag.FlagSet // which of them were given
}

func (o *order) addFlags(c *cobra.Command) {
	o.addSelection(c)
	o.addFailures(c, "with --failures: ")
	o.addVersions(c)
	o.addOptions(c)
}

func (o *order) addSelection(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVarP(&o.file, "file", "f", "", "read resource ids from `FILE`, - for standard input: a line each, or JSON lines with resourceId")
	f.StringVar(&o.owner, "owner", "", "every resource of the owner with this `ID`")
	f.BoolVar(&o.all, "all", false, "every resource; needs --max-items")
	f.BoolVar(&o.failures, "failures", false, "what is in the quarantine: the versions that failed")
}

// addFailures adds the flags that say which failures. when says when they count.
func (o *order) addFailures(c *cobra.Command, when string) {
	f := c.Flags()
	f.StringVar(&o.errorGlob, "error", "", when+"only this error, a name or a `GLOB` such as 'Geocoder*'")
	f.StringVar(&o.since, "since", "", when+"only what failed at this `TIME` or after")
	f.StringVar(&o.until, "until", "", when+"only what failed before this `TIME`")
}

func (o *order) addVersions(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.recordedFrom, "recorded-from", "", "only versions recorded at this `TIME` or after")
	f.StringVar(&o.recordedTo, "recorded-to", "", "only versions recorded before this `TIME`")
	f.StringArrayVar(&o.versions, "version", nil, "this `VERSION` of the one resource; may be repeated")
	f.StringVar(&o.asOf, "as-of", "", "the version that was the latest at this `TIME`")
	f.BoolVar(&o.series, "series", false, "every version, oldest first, each after the one before has ended")
	f.IntVar(&o.last, "last", 0, "a series of the newest `N` versions")
	f.StringVar(&o.from, "from", "", "a series from this time or version on: `TIME|ID`")
	f.StringVar(&o.to, "to", "", "a series up to this time or version: `TIME|ID`")
	f.BoolVar(&o.latest, "latest", false, "with --failures: the latest version, instead of the one that failed")
	f.StringVar(&o.onFailure, "on-failure", "", "of a series, after a version that failed: `stop|continue` (default stop)")
	complete(c, "on-failure", string(replay.StopOnFailure), string(replay.ContinueOnFailure))
}

// addOptions adds what does not say which events.
func (o *order) addOptions(c *cobra.Command) {
	f := c.Flags()
	if o.action == replay.Rerun {
		f.StringVar(&o.mergePatch, "merge-patch", "", "change each event first: a `JSON` Merge Patch (RFC 7396), or @FILE")
		f.StringVar(&o.jsonPatch, "json-patch", "", "change each event first: a `JSON` Patch (RFC 6902), or @FILE")
		f.BoolVar(&o.suppressPublish, "suppress-publish", false, "run the workflow, but publish nothing")
	}
	f.StringVar(&o.target, "target", "", "message attribute target, a `NAME` for subscribers to filter by")
	f.BoolVar(&o.allowStale, "allow-stale", false, "also versions older than one that has succeeded")
	f.IntVar(&o.maxPerSecond, "max-per-second", 0, "at most `N` starts a second")
	f.IntVar(&o.maxItems, "max-items", 0, "at most `N` items")
	f.IntVar(&o.maxFailures, "max-failures", 0, "halt once more than `N` items have failed")
	f.StringVarP(&o.reason, "reason", "r", "", "why: a `TEXT` that is kept with the replay, and sent with every event")
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "say what would happen, start nothing")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask, however many items there are")
	f.BoolVarP(&o.wait, "wait", "w", false, "wait until it has ended, with a progress bar")
	f.StringVar(&o.key, "idempotency-key", "", "name of this request: the same `KEY` again gets the same replay (default: random)")
	o.given = f
}

// document is a request as the flags say it, in the form of the API. Its times may be relative: request.freeze makes
// them absolute.
type document struct {
	Action       replay.Action              `json:"action,omitempty"`
	Select       map[string]any             `json:"select"`
	Versions     any                        `json:"versions,omitempty"`
	Transform    map[string]json.RawMessage `json:"transform,omitempty"`
	Publish      replay.Publish             `json:"publish,omitempty"`
	Target       string                     `json:"target,omitempty"`
	AllowStale   bool                       `json:"allowStale,omitempty"`
	MaxPerSecond *int                       `json:"maxPerSecond,omitempty"`
	MaxItems     *int                       `json:"maxItems,omitempty"`
	MaxFailures  *int                       `json:"maxFailures,omitempty"`
	DryRun       bool                       `json:"dryRun,omitempty"`
	Reason       string                     `json:"reason"`

	ids []string // of select.resourceIds, all of them
}

// document makes the request of the flags, and checks it as the API does.
func (a *app) document(o *order) (d document, err error) {
	if d.ids, err = a.resourceIDs(o); err != nil {
		return d, err
	}
	d.Action, d.Target, d.AllowStale, d.DryRun, d.Reason = o.action, o.target, o.allowStale, o.dryRun, strings.TrimSpace(o.reason)
	for flag, to := range map[string]struct {
		value *int
		field **int
	}{
		"max-per-second": {&o.maxPerSecond, &d.MaxPerSecond}, "max-items": {&o.maxItems, &d.MaxItems}, "max-failures": {&o.maxFailures, &d.MaxFailures},
	} {
		if o.given.Changed(flag) {
			*to.field = to.value
		}
	}
	if o.suppressPublish {
		d.Publish = replay.PublishSuppress
	}
	if d.Select, err = a.selection(o, d.ids); err != nil {
		return d, err
	}
	if d.Versions, err = a.versionsOf(o); err != nil {
		return d, err
	}
	if d.Transform, err = a.transform(o); err != nil {
		return d, err
	}
	return d, nil
}

func (a *app) resourceIDs(o *order) ([]string, error) {
	ids := o.ids
	if o.file == "" {
		return unique(ids), nil
	}
	f, err := a.open(o.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read to its end
	name := o.file
	if name == "-" {
		name = "standard input"
	}
	read, err := readIDs(f, name)
	if err != nil {
		return nil, err
	}
	if len(read)+len(ids) == 0 {
		return nil, usage("%s names no resource", name)
	}
	return unique(append(slices.Clone(ids), read...)), nil
}

func unique(ids []string) (out []string) {
	seen := map[string]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

func (a *app) transform(o *order) (map[string]json.RawMessage, error) {
	if o.mergePatch != "" && o.jsonPatch != "" {
		return nil, usage("--merge-patch and --json-patch exclude each other")
	}
	for _, p := range []struct{ field, flag, value string }{
		{"mergePatch", "--merge-patch", o.mergePatch}, {"jsonPatch", "--json-patch", o.jsonPatch},
	} {
		if p.value == "" {
			continue
		}
		b, err := a.content(p.flag, p.value)
		if err != nil {
			return nil, err
		}
		if b = bytes.TrimSpace(b); !json.Valid(b) {
			return nil, usage("%s must be JSON, or @FILE with JSON in it, got %q", p.flag, replay.Shorten(string(b)))
		}
		return map[string]json.RawMessage{p.field: b}, nil
	}
	return nil, nil
}
