package docs_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
)

func TestReplaysListsEveryFieldOfARequest(t *testing.T) {
	var want []string
	for field := range reflect.TypeFor[replay.Request]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		want = append(want, name)
	}
	text := section(t, document(t, "docs", "replays.md"), "The request")
	names, cells := rows(text)
	if got := strings.Join(names, " "); got != strings.Join(want, " ") {
		t.Errorf("docs/replays.md lists the fields\n%s\nthe code has, in this order,\n%s", got, strings.Join(want, " "))
	}
	for _, name := range names {
		if row := cells[name]; len(row) != 3 || row[2] == "" {
			t.Errorf("docs/replays.md, field %s: got row %q, want values and a default", name, row)
		}
	}
	for _, limit := range []int{
		replay.MaxResourceIDs, replay.MaxSeriesVersions, replay.MaxPerSecond, replay.MaxItems, replay.MaxTransformBytes,
		replay.MaxPatchOperations, replay.MaxTargetBytes, replay.MaxReasonBytes, replay.MaxIdempotencyKeyBytes,
	} {
		if !strings.Contains(text, thousands(limit)) {
			t.Errorf("docs/replays.md does not name the limit %s of a request", thousands(limit))
		}
	}
}

// thousands writes a number with its separators.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

func TestReplaysListsEveryStatusAndOutcome(t *testing.T) {
	text := section(t, document(t, "docs", "replays.md"), "Outcomes")
	var want []string
	for _, s := range replay.Statuses() {
		want = append(want, string(s))
	}
	for _, o := range replay.Outcomes() {
		want = append(want, string(o))
	}
	if names, _ := rows(text); strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("docs/replays.md lists %v, the code has, in this order, %v", names, want)
	}
}

// The parts of the construct are what users grant on, alarm on and subscribe to.
func TestTheDocumentsNameEveryPart(t *testing.T) {
	_, files := ingestionFiles(t)
	fields, _ := structDocs(t, files, "ReplayableIngestion")
	text := document(t, "docs", "construct.md") + document(t, "docs", "monitoring.md")
	for _, name := range fields {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/construct.md and docs/monitoring.md do not name the part %s", name)
		}
	}
}
