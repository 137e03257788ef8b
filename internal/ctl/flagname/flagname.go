// Package flagname turns the API's names of fields into the flags of the command, in texts for people.
package flagname

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
)

// fields are the API's names of what flags say.
var fields = map[string]string{
	"select.resourceIds": "resource ids", "resourceIds": "resource ids", "select.ownerId": "--owner", "ownerId": "--owner",
	"select.all": "--all", "select.failures": "--failures", "select.failures.error": "--error",
	"select.failures.state": "--state", "select.failures.cause": "--cause", "select.where": "--where", "select.outcome": "--outcome",
	"select.failures.since": "--since", "select.failures.until": "--until",
	"select.recorded": "--recorded-from and --recorded-to", "select.recorded.from": "--recorded-from", "select.recorded.to": "--recorded-to",
	"versions.ids": "--version", "versions.asOf": "--as-of", "asOf": "--as-of", "versions.series": "--series",
	"versions.series.last": "--last", "versions.series.from": "--from", "versions.series.to": "--to",
	"versions.onFailure": "--on-failure", "versions.series.onFailure": "--on-failure", "onFailure": "--on-failure",
	"transform.mergePatch": "--merge-patch", "mergePatch": "--merge-patch",
	"transform.jsonPatch": "--json-patch", "jsonPatch": "--json-patch",
	"transform.jsonata": "--jsonata", "transform.function": "--transform", "transform.parameters": "--parameters",
	"allowStale": "--allow-stale", "ignorePauseAlarm": "--ignore-pause-alarm", "maxPerSecond": "--max-per-second", "maxItems": "--max-items", "maxFailures": "--max-failures",
	"ramp.maxFailureShare": "--max-failure-share", "maxFailureShare": "--max-failure-share",
	"dryRun": "--dry-run",
}

// words are fields whose names are words of a sentence too: they are replaced only where a field is named.
var words = map[string]string{
	"select": "selection", "versions": "versions", "transform": "--merge-patch, --json-patch, --jsonata or --transform", "publish": "--suppress-publish",
	"ramp": "--ramp", "target": "--target", "reason": "--reason", "Idempotency-Key": "--idempotency-key",
	"error": "--error", "since": "--since", "until": "--until", "limit": "--limit", "outcome": "--outcome", "status": "--status",
	"resourceId": "RESOURCE", "versionId": "VERSION", "replayId": "REPLAY",
}

// inText finds names of fields, the longer ones first.
var inText = func() *regexp.Regexp {
	var names []string
	for name := range fields {
		names = append(names, regexp.QuoteMeta(name))
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b`)
}()

// In replaces the names of fields in a string.
func In(text string) string {
	return inText.ReplaceAllStringFunc(text, func(name string) string { return fields[name] })
}

// Of says what is wrong with a request, and with which flag.
func Of(f replay.Fault) string {
	name, rest := f.Field, ""
	if i := strings.IndexByte(name, '['); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	switch {
	case fields[name] != "":
		name = fields[name]
	case words[name] != "":
		name = words[name]
	default:
		name = In(name)
	}
	detail := In(f.Detail)
	if n, err := strconv.Atoi(strings.Trim(rest, "[]")); err == nil { // of a list, which people count from 1
		name, rest = fmt.Sprintf("%s number %d", strings.TrimSuffix(name, "s"), n+1), ""
		detail = strings.Replace(detail, replay.ErrResourceID.Error(), "is not usable", 1)
	}
	text := fmt.Sprintf("%s%s %s", name, rest, detail)
	if f.Value != "" {
		text += fmt.Sprintf(" (got %s)", f.Value)
	}
	return text
}
