// Package request makes requests of the replay API from flags.
package request

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Flags are the flags that make a request.
type Flags struct {
	Action replay.Action

	Args          []string // resource ids
	file          string
	owner         string
	all, Failures bool
	Error, State  string // globs
	Cause         string
	Since, Until  string
	where         string
	outcome       string

	recordedFrom, recordedTo string

	Versions       []string
	asOf           string
	series, Latest bool
	last           int
	from, to       string
	onFailure      string

	change TransformFlags

	suppressPublish, allowStale, ignoreAlarm, DryRun bool
	Plan                                             bool
	target, Reason                                   string
	maxPerSecond, maxItems, maxFailures              int
	ramp                                             bool
	maxFailureShare                                  float64

	Key       string
	Yes, Wait bool

	follow.Options
	given *pflag.FlagSet // to tell a zero that was given from none
}

// ReadsInput reports whether standard input has ids or a part of a transform, and so cannot have answers.
func (o *Flags) ReadsInput() bool {
	return o.file == "-" || slices.Contains([]string{o.change.MergePatch, o.change.JSONPatch, o.change.JSONata, o.change.Parameters}, "@-")
}

// Add adds the flags of a command that selects resources.
func (o *Flags) Add(f *factory.Factory, c *cobra.Command) {
	o.addSelection(c)
	o.AddFailures(f, c, "with --failures: ")
	o.addFilters(c)
	if o.Action != replay.Redrive {
		o.addVersions(f, c)
	}
	o.AddOptions(f, c)
	c.ValidArgsFunction = f.Complete().Resources
}

func (o *Flags) addSelection(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVarP(&o.file, "file", "f", "", "read resource ids from `FILE`, or - for standard input: one per line, or JSON lines with resourceId")
	f.StringVar(&o.owner, "owner", "", "all resources of the owner with this `ID`")
	factory.CompleteWith(c, "file", factory.Files)
	if o.Action != replay.Redrive {
		f.BoolVar(&o.all, "all", false, "all resources; needs --max-items")
	}
	f.BoolVar(&o.Failures, "failures", false, "the versions in quarantine, which failed")
}

// AddFailures adds the flags that say which failures. when says when they count.
func (o *Flags) AddFailures(f *factory.Factory, c *cobra.Command, when string) {
	set := c.Flags()
	set.StringVar(&o.Error, "error", "", when+"only this error: a name, or a `GLOB` such as 'Geocoder*'")
	set.StringVar(&o.State, "state", "", when+"only failures of this state: a name, or a `GLOB`")
	set.StringVar(&o.Cause, "cause", "", when+"only failures that have this `TEXT` in their cause")
	set.StringVar(&o.Since, "since", "", when+"only failures at this `TIME` or later")
	set.StringVar(&o.Until, "until", "", when+"only failures before this `TIME`")
	factory.CompleteWith(c, "error", f.Complete().Errors)
	factory.CompleteWith(c, "state", f.Complete().States)
}

func (o *Flags) addFilters(c *cobra.Command) {
	set := c.Flags()
	set.StringVar(&o.recordedFrom, "recorded-from", "", "only versions recorded at this `TIME` or later")
	set.StringVar(&o.recordedTo, "recorded-to", "", "only versions recorded before this `TIME`")
	set.StringVar(&o.outcome, "outcome", "", "only versions of which this became: `"+strings.Join(outcomes(), "|")+"`")
	set.StringVar(&o.where, "where", "", "only events that this `FILTER` fits (RFC 9535), such as '@.listing.priceUsd > 500000'")
	factory.Complete(c, "outcome", outcomes()...)
}

func (o *Flags) addVersions(f *factory.Factory, c *cobra.Command) {
	set := c.Flags()
	set.StringArrayVar(&o.Versions, "version", nil, "this `VERSION` of the resource; may be repeated")
	set.StringVar(&o.asOf, "as-of", "", "the version that was the latest at this `TIME`")
	set.BoolVar(&o.series, "series", false, "every version, oldest first, one after the other")
	set.IntVar(&o.last, "last", 0, "a series of the latest `N` versions")
	set.StringVar(&o.from, "from", "", "a series that begins at this time or version: `TIME|ID`")
	set.StringVar(&o.to, "to", "", "a series that ends before this time, or with this version: `TIME|ID`")
	set.BoolVar(&o.Latest, "latest", false, "with --failures: the latest version, not the one that failed")
	set.StringVar(&o.onFailure, "on-failure", "", "what a series does after a version that failed: `stop|continue` (default stop)")
	factory.Complete(c, "on-failure", string(replay.StopOnFailure), string(replay.ContinueOnFailure))
	factory.CompleteWith(c, "version", f.Complete().Versions)
}

func outcomes() (words []string) {
	for _, o := range replay.VersionOutcomes() {
		words = append(words, string(o))
	}
	return words
}

// AddOptions adds what does not say which events.
func (o *Flags) AddOptions(of *factory.Factory, c *cobra.Command) {
	f := c.Flags()
	if o.Action == replay.Rerun {
		f.StringVar(&o.change.MergePatch, "merge-patch", "", "change each event with this `JSON` Merge Patch (RFC 7396), or @FILE")
		f.StringVar(&o.change.JSONPatch, "json-patch", "", "change each event with this `JSON` Patch (RFC 6902), or @FILE")
		f.StringVar(&o.change.JSONata, "jsonata", "", "run what this JSONata `EXPRESSION` makes of each event, or @FILE")
		f.StringVar(&o.change.Function, "transform", "", "run what the Lambda function of this `NAME`, a prop of the stack, makes of each event")
		factory.CompleteWith(c, "transform", of.Complete().Transforms)
		f.StringVar(&o.change.Parameters, "parameters", "", "with --transform: a `JSON` object that the function gets, or @FILE")
		f.BoolVar(&o.suppressPublish, "suppress-publish", false, "run the workflow without publishing its output")
	}
	if o.Action != replay.Redrive {
		f.StringVar(&o.target, "target", "", "value of the message attribute target: a `NAME` that subscribers filter by")
	}
	f.BoolVar(&o.allowStale, "allow-stale", false, "also versions older than a version that succeeded")
	f.BoolVar(&o.ignoreAlarm, "ignore-pause-alarm", false, "go on while the pause alarm of the ingestion is in ALARM, and at the whole pace while starts are throttled")
	f.IntVar(&o.maxPerSecond, "max-per-second", 0, "at most `N` starts per second")
	f.IntVar(&o.maxItems, "max-items", 0, "at most `N` items")
	f.IntVar(&o.maxFailures, "max-failures", 0, "halt when more than `N` items have failed")
	if o.Action != replay.Republish {
		f.BoolVar(&o.ramp, "ramp", false, "begin with 1 resource, then 4, 16 and so on, each step after the one before has ended; pause if too many fail")
		f.Float64Var(&o.maxFailureShare, "max-failure-share", replay.DefaultMaxFailureShare, "with --ramp: pause over this `SHARE` of failed items, from 0 to below 1")
	}
	f.StringVarP(&o.Reason, "reason", "r", "", "why you replay: a `TEXT` that is stored with the replay and sent with every event")
	f.BoolVarP(&o.DryRun, "dry-run", "n", false, "show what would happen, and start nothing")
	f.BoolVar(&o.Plan, "plan", false, "as --dry-run, and show what replayctl apply needs to run exactly that")
	f.BoolVarP(&o.Yes, "yes", "y", false, "do not ask, whatever the number of items")
	f.BoolVarP(&o.Wait, "wait", "w", false, "wait for the end, with a progress bar")
	o.AddFlags(c, "with --wait, --dry-run or --plan: ")
	f.StringVar(&o.Key, "idempotency-key", "", "the same `KEY` with the same command returns the same replay (default: random)")
	o.given = f
}

// Document is a request as the flags say it, in the form of the API. Its times may be relative: request.freeze makes
// them absolute.
type Document struct {
	Action       replay.Action     `json:"action,omitempty"`
	Select       map[string]any    `json:"select"`
	Versions     any               `json:"versions,omitempty"`
	Transform    *replay.Transform `json:"transform,omitempty"`
	Publish      replay.Publish    `json:"publish,omitempty"`
	Target       string            `json:"target,omitempty"`
	AllowStale   bool              `json:"allowStale,omitempty"`
	IgnoreAlarm  bool              `json:"ignorePauseAlarm,omitempty"`
	MaxPerSecond *int              `json:"maxPerSecond,omitempty"`
	MaxItems     *int              `json:"maxItems,omitempty"`
	MaxFailures  *int              `json:"maxFailures,omitempty"`
	Ramp         *replay.Ramp      `json:"ramp,omitempty"`
	DryRun       bool              `json:"dryRun,omitempty"`
	Reason       string            `json:"reason"`

	IDs []string `json:"-"` // of select.resourceIds, all of them
}

// Document makes the request of the flags, and checks it as the API does.
func (o *Flags) Document(f *factory.Factory) (d Document, err error) {
	if d.IDs, err = o.resourceIDs(f); err != nil {
		return d, err
	}
	d.Action, d.Target, d.AllowStale, d.IgnoreAlarm, d.DryRun = o.Action, o.target, o.allowStale, o.ignoreAlarm, o.DryRun
	d.Reason = strings.TrimSpace(o.Reason)
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
	if o.ramp {
		d.Ramp = &replay.Ramp{MaxFailureShare: o.maxFailureShare}
	} else if o.given.Changed("max-failure-share") {
		return d, exit.Usagef("--max-failure-share is of a ramp: give --ramp too, or leave it out")
	}
	if o.suppressPublish {
		d.Publish = replay.PublishSuppress
	}
	if d.Select, err = o.selection(f, d.IDs); err != nil {
		return d, err
	}
	if d.Versions, err = o.versionsOf(f); err != nil {
		return d, err
	}
	if d.Transform, err = o.change.Read(f); err != nil {
		return d, err
	}
	return d, nil
}

func (o *Flags) resourceIDs(f *factory.Factory) ([]string, error) {
	ids := o.Args
	if o.file == "" {
		return factory.Unique(ids), nil
	}
	file, err := f.Process.Open("--file", o.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read to its end
	name := o.file
	if name == "-" {
		name = "standard input"
	}
	read, err := readIDs(file, name)
	if err != nil {
		return nil, err
	}
	if len(read)+len(ids) == 0 {
		return nil, exit.Usagef("%s names no resource", name)
	}
	return factory.Unique(append(slices.Clone(ids), read...)), nil
}

// TransformFlags are what flags say of how to change events.
type TransformFlags struct{ MergePatch, JSONPatch, JSONata, Function, Parameters string }

// Read returns the transform of the flags, nil if they say nothing.
func (t TransformFlags) Read(f *factory.Factory) (*replay.Transform, error) {
	var given []string
	for _, p := range []struct{ flag, value string }{
		{"--merge-patch", t.MergePatch}, {"--json-patch", t.JSONPatch}, {"--jsonata", t.JSONata}, {"--transform", t.Function},
	} {
		if p.value != "" {
			given = append(given, p.flag)
		}
	}
	switch {
	case len(given) > 1:
		return nil, exit.Usagef("%s cannot be used together: use one of them", strings.Join(given, " and "))
	case t.Parameters != "" && t.Function == "":
		return nil, exit.Usagef("--parameters are for a function: name it with --transform")
	case len(given) == 0:
		return nil, nil
	}
	f.Transform = given[0]
	out := replay.Transform{Function: t.Function}
	for _, p := range []struct {
		flag, value string
		into        *json.RawMessage
	}{
		{"--merge-patch", t.MergePatch, &out.MergePatch}, {"--json-patch", t.JSONPatch, &out.JSONPatch},
		{"--parameters", t.Parameters, &out.Parameters},
	} {
		if p.value == "" {
			continue
		}
		b, err := jsonOf(f, p.flag, p.value)
		if err != nil {
			return nil, err
		}
		*p.into = b
	}
	if t.JSONata != "" {
		b, err := f.Process.Content("--jsonata", t.JSONata)
		if err != nil {
			return nil, err
		}
		if out.JSONata = strings.TrimSpace(string(b)); out.JSONata == "" || !utf8.ValidString(out.JSONata) {
			return nil, exit.Usagef("--jsonata must be an expression in UTF-8, or @FILE with one, got %q", replay.Shorten(out.JSONata))
		}
	}
	return &out, nil
}

// jsonOf returns the JSON of a flag.
func jsonOf(f *factory.Factory, flag, value string) (json.RawMessage, error) {
	b, err := f.Process.Content(flag, value)
	if err != nil {
		return nil, err
	}
	if b = bytes.TrimSpace(b); !json.Valid(b) {
		return nil, exit.Usagef("%s must be JSON, or @FILE with JSON in it, got %q", flag, replay.Shorten(string(b)))
	}
	if err := replay.CheckKeys(b); err != nil {
		return nil, exit.Usagef("%s: %w", flag, err)
	}
	if err := replay.CheckText(b); err != nil {
		return nil, exit.Usagef("%s: %w", flag, err)
	}
	return b, nil
}
