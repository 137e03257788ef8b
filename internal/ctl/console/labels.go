package console

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// labels are the labels of the form's fields.
var labels = map[string]string{
	"resource": "Resources", "owner": "Owner", "failures": "Failures in quarantine", "all": "All resources",
	"error": "Error", "state": "State that failed", "cause": "Text in the cause", "since": "Failed since", "until": "Failed before",
	"recordedFrom": "Recorded since", "recordedTo": "Recorded before", "outcome": "What became of them", "where": "Filter",
	"versions": "Which versions", "version": "Version ids", "asOf": "Time", "last": "The latest so many",
	"from": "From time or version", "to": "To time or version", "onFailure": "After a failure",
	"change": "Change the events", "mergePatch": "Merge patch", "jsonPatch": "JSON patch", "jsonata": "JSONata expression",
	"function": "Function", "parameters": "Parameters",
	"action": "Action", "suppress": "Run without publishing", "target": "Target", "stale": "Also older versions",
	"ignoreAlarm": "Go on while PauseAlarm is in ALARM", "maxPerSecond": "Most starts per second", "maxItems": "Most items",
	"maxFailures": "Halt if more items fail than", "ramp": "Ramp", "reason": "Reason",
}

// label is the label of a field, or the field's name if it has none.
func label(field string) string { return cmp.Or(labels[field], field) }

// apiNames matches the API's names of fields that cannot be words of a sentence, longer ones first.
var apiNames = func() *regexp.Regexp {
	var names []string
	for name := range formFields {
		if strings.ContainsFunc(name, func(r rune) bool { return r == '.' || unicode.IsUpper(r) }) {
			names = append(names, regexp.QuoteMeta(name))
		}
	}
	names = append(names, "resourceIds", "ownerId")
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b`)
}()

// inLabels replaces the API's names of fields in a text by the labels of the form.
func inLabels(text string) string {
	return apiNames.ReplaceAllStringFunc(text, func(name string) string {
		switch name {
		case "resourceIds":
			return label("resource")
		case "ownerId":
			return label("owner")
		}
		return label(formFields[name])
	})
}
