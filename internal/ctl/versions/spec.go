// Package versions finds the version of a resource that a person means, and tells its outcome.
package versions

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Help is for the help texts of commands that take a version.
const Help = `A VERSION is a version id, latest, latest-N for the N-th before the latest, or a TIME for the latest version at that time.
A TIME is ` + when.Help + `.`

// Spec is which version a person means.
type Spec struct {
	text string
	id   string
	back int // of the versions with an event, newest first
	asOf *time.Time
}

// before is the form of a version that is counted from the latest.
var before = regexp.MustCompile(`^latest(?:-(\d{1,9}))?$`)

// Parse reads what stands for a version. What is neither counted from the latest nor a time is an id.
func Parse(f *factory.Factory, text string) (Spec, error) {
	spec := Spec{text: text}
	if text == "" {
		return spec, nil
	}
	if m := before.FindStringSubmatch(text); m != nil {
		if m[1] != "" {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				return spec, exit.Usagef("version %s: %w", text, err)
			}
			spec.back = n
		}
		return spec, nil
	}
	if t, err := f.Time(text); err == nil {
		spec.asOf = &t
		return spec, nil
	}
	if err := replay.CheckVersionID(text); err != nil {
		return spec, exit.Usagef("version %q %w", replay.Shorten(text), err)
	}
	spec.id = text
	return spec, nil
}

// wants reports whether v, the n-th version with an event, is the one.
func (s Spec) wants(v replay.Version, n int) bool {
	switch {
	case s.id != "":
		return v.VersionID == s.id
	case s.asOf != nil:
		return !v.RecordedAt.After(*s.asOf)
	default:
		return n == s.back
	}
}

// ID is the version's id, if that is how it was named.
func (s Spec) ID() string { return s.id }

// far reports whether the version may be anywhere in a history, so that it is worth reading large pages.
func (s Spec) far() bool { return s.id != "" || s.asOf != nil }

// Find finds versions of a resource in one walk through its history, which ends as soon as all are found. Delete
// markers do not count: they have no event.
func Find(ctx context.Context, f *factory.Factory, api *client.Client, resource string, specs ...Spec) ([]replay.Version, error) {
	page, missing := 1, len(specs)
	for _, s := range specs {
		page = max(page, s.back+1)
		if s.far() {
			page = replay.MaxPageSize
		}
	}
	found, have := make([]replay.Version, len(specs)), make([]bool, len(specs))
	markers := map[string]bool{} // ids of delete markers
	n := 0
	for v, err := range api.WithPageSize(page).Versions.List(ctx, resource) {
		if err != nil {
			return nil, err
		}
		if v.Deleted {
			markers[v.VersionID] = true
			continue
		}
		for i, s := range specs {
			if !have[i] && s.wants(v, n) {
				found[i], have[i] = v, true
				missing--
			}
		}
		if n++; missing == 0 {
			return found, nil
		}
	}
	for i, s := range specs {
		if !have[i] && markers[s.id] {
			return nil, deleteMarker(f, resource, s.id)
		}
		if !have[i] {
			return nil, None(f, resource, s, n)
		}
	}
	return found, nil
}

// deleteMarker says that a version has no event, and where the events before it are.
func deleteMarker(f *factory.Factory, resource, id string) error {
	word := factory.ShellWord(resource)
	return &exit.Error{Code: exit.Refused,
		Err: fmt.Errorf("version %s of %s is a delete marker: the object was deleted then, and there is no event", id, resource),
		Do: []string{
			"`" + f.Hint("show "+word+" --version latest") + "` prints the newest event",
			"`" + f.Hint("history "+word) + "` lists the versions there are",
		}}
}

// None says that a resource with n versions does not have the one that is meant.
func None(f *factory.Factory, resource string, s Spec, n int) error {
	e := &exit.Error{Code: exit.Refused, Do: []string{"`" + f.Hint("history "+factory.ShellWord(resource)) + "` lists the versions there are"}}
	switch {
	case n == 0:
		e.Err = fmt.Errorf("%s has no version left: its object was deleted, or its versions expired", resource)
		e.Do = append(e.Do, "the event log cannot bring them back: send the event again with `"+f.Hint("ingest FILE")+"`")
	case s.asOf != nil:
		e.Err = fmt.Errorf("%s had no version yet at %s", resource, f.Printer.Time(s.asOf))
	case s.id != "":
		e.Err = fmt.Errorf("%s has no version %s", resource, s.id)
	default:
		e.Err = fmt.Errorf("%s has %s, and no version %s", resource, factory.Plural(n, "version"), s.text)
	}
	return e
}

// ResourceAt splits RESOURCE@VERSION. An id may have an @ of its own, so the history decides: what is a resource as a
// whole has no version in it.
func ResourceAt(ctx context.Context, api *client.Client, arg string) (resource, version string, err error) {
	at := strings.LastIndexByte(arg, '@')
	if at <= 0 || at == len(arg)-1 {
		return arg, "", nil
	}
	for _, err := range api.WithPageSize(1).Versions.List(ctx, arg) {
		if client.NotFound(err) {
			return arg[:at], arg[at+1:], nil
		}
		return arg, "", err
	}
	return arg, "", nil
}

// NoResource says what else may be meant by an id that the log does not know.
func NoResource(err error, resource string) error {
	if !client.NotFound(err) {
		return err
	}
	return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("the event log has no resource %s", resource), Do: []string{
		"ids are as ResourceIdPath finds them in an event, letter by letter",
		"an event that is too large, or has no usable id, never reaches the log: `replayctl failures --detail` lists it",
	}}
}
