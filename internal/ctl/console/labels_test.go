package console

import "testing"

func TestFaultsNameWhatIsOnTheScreen(t *testing.T) {
	for text, want := range map[string]string{
		"is required with select.all: set maxItems":                  "is required with All resources: set Most items",
		"must have at least one of resourceIds, ownerId, failures":   "must have at least one of Resources, Owner, failures",
		"a newer version has succeeded: set allowStale to replay it": "a newer version has succeeded: set Also older versions to replay it",
		"must be valid JSON": "must be valid JSON",
		"select.failures.since must be before select.failures.until.": "Failed since must be before Failed before.",
	} {
		if got := inLabels(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, field := range formFields {
		if labels[field] == "" {
			t.Errorf("%s has no label", field)
		}
	}
}
