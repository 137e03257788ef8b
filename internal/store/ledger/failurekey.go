package ledger

import (
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// maxKeyText bounds each string in a sort key, in bytes: the whole key may have 1,024.
const maxKeyText = 256

// keyText makes a string a part of a sort key.
func keyText(s string) string {
	var b strings.Builder
	for _, r := range s {
		part := string(r)
		switch r {
		case '#':
			part = "%23"
		case '%':
			part = "%25"
		}
		if b.Len()+len(part) > maxKeyText {
			break
		}
		b.WriteString(part)
	}
	return b.String()
}

var fromKeyText = strings.NewReplacer("%23", "#", "%25", "%")

// keyLetters stand for statuses in sort keys.
var keyLetters = map[replay.FailureStatus]string{
	replay.FailureQuarantined: "Q", replay.FailureWaiting: "W", replay.FailureHeld: "H", replay.FailureRetrying: "R",
	replay.FailureClosed: "C",
}

// failureSortKey is the key of a failure in an index by time. It has what lists and counts need to know without the
// row.
func failureSortKey(f domain.Failure, at domain.Stamp) string {
	return strings.Join([]string{
		at.String(), failureEnd(f), keyLetters[f.ListedAs()], f.FailedAt.String(), keyText(f.Error), keyText(f.State),
	}, "#")
}

// readFailureKey reads what the key in an index says about a failure. It reports false for a key of an earlier release,
// which says nothing.
func readFailureKey(entry item, index *schema.Index) (k domain.FailureKey, told bool) {
	parts := strings.Split(textOf(entry, index.SortKey), "#") // at, execution, redrive count, status, failed at, error, state
	if len(parts) != 7 {
		return k, false
	}
	for status, letter := range keyLetters {
		if letter == parts[3] {
			k.Status = status
		}
	}
	dueErr, err := k.DueAt.UnmarshalText([]byte(parts[0])), k.FailedAt.UnmarshalText([]byte(parts[4]))
	if k.Status == "" || err != nil || dueErr != nil || k.FailedAt.IsZero() {
		return k, false
	}
	k.ID, k.Error, k.State = textOf(entry, schema.PartitionKey), fromKeyText.Replace(parts[5]), fromKeyText.Replace(parts[6])
	if k.Status == replay.FailureQuarantined || k.Status == replay.FailureClosed {
		k.DueAt = domain.Stamp{}
	}
	return k, true
}
