package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// refused waits until an execution that Record refuses is quarantined, and makes sure that its input is kept and nothing
// was published.
func (y *system) refused(t *testing.T, name, input, want string) replay.Failure {
	t.Helper()
	y.failed(t, name, want)
	y.decided(t, name, domain.Quarantined)
	f := y.quarantined(t, name)
	if f.Error != want || f.VersionID != "" || f.InputKey != "unrecorded/"+name {
		t.Errorf("got %+v", f)
	}
	kept, _ := y.object(t, f.InputKey)
	if kept != input {
		t.Errorf("kept %.300s, want %.300s", kept, input)
	}
	y.downstream.none(t, name)
	return f
}

func TestEventsWithoutAUsableIDAreRefusedAndKept(t *testing.T) {
	t.Parallel()
	owner := fresh("agency")
	withID := func(id any) string { return listing{id: id, owner: owner}.json() }
	tests := []struct{ name, event, cause string }{
		{"no listing", `{"eventType":"ListingSold"}`, "nothing at $.listing.id"},
		{"no id", `{"listing":{"agencyId":"a"}}`, "nothing at $.listing.id"},
		{"an empty id", withID(""), "it is empty"},
		{"an object", withID(map[string]any{"n": 1}), "an object at $.listing.id"},
		{"an array", withID([]any{"a"}), "an array at $.listing.id"},
		{"null", withID(nil), "null at $.listing.id"},
		{"a boolean", withID(true), "the value true at $.listing.id"},
		{"a fraction", `{"listing":{"id":1.5}}`, "a string or a whole number"},
		{"a control character", withID("a\u0007b"), "control character U+0007"},
		{"a key over 1,024 bytes", withID(strings.Repeat("é", 200)), "the most is 1024"},
		{"no object at all", `["a"]`, "nothing at $.listing.id"},
	}
	runs := make([]string, len(tests))
	for i, c := range tests {
		runs[i] = sys.ingest(t, c.event)
	}
	for i, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if f := sys.refused(t, runs[i], c.event, "InvalidEvent"); !strings.Contains(f.Cause, c.cause) {
				t.Errorf("got cause %s, want %q in it", f.Cause, c.cause)
			}
		})
	}
}

func TestIDsOfAnyKindAreKeptApartAndReplayed(t *testing.T) {
	t.Parallel()
	long := fresh("long") // with a key of 1,024 bytes
	long += strings.Repeat("x", replay.MaxKeyBytes-len(eventKey(t, long)))
	ids := []string{
		"..", ".", "a/b", "a/b/", "/a", "../a", "a/../b", "a b", " a ", "🏡", "100%", "a%2Fb", "a+b", "a?b=c&d", "a#b",
		`a"b`, "a'b", `a\b`, "res1", "res10", "res1/", "Res1", "a:b", "{}", "$.listing.id", "日本", "\u00e9", "e\u0301",
		long,
	}
	events := map[string]string{}
	for _, id := range ids {
		events[id] = listing{id: id, owner: strings.TrimRight("of "+id, "x")}.json()
	}
	const number = "90071992547409930001"
	events[number] = listing{id: json.Number(number), owner: fresh("agency")}.json()
	sys.throughAndThrough(t, events)
}

// throughAndThrough records an event of each resource, reads its history, replays it, and makes sure that all of it is
// about this resource and no other.
func (y *system) throughAndThrough(t *testing.T, events map[string]string) replay.Replay {
	t.Helper()
	ids := slices.Sorted(maps.Keys(events))
	runs := map[string]string{}
	for _, id := range ids {
		runs[id] = y.ingest(t, events[id])
	}
	for _, id := range ids {
		y.succeeded(t, runs[id])
	}
	r := y.replay(t, request{Select: selection{ResourceIDs: ids}})
	if want := (replay.Counts{Matched: len(ids), Started: len(ids), Succeeded: len(ids)}); r.Counts != want {
		t.Errorf("got counts %+v, want %+v", r.Counts, want)
	}
	items, _ := y.pages(t, r.ReplayID, nil, "100")
	for i, id := range ids {
		t.Run(fmt.Sprintf("%.20q", id), func(t *testing.T) {
			if got := y.row(t, runs[id]).ResourceID; got != id {
				t.Errorf("recorded as %q, want %q", got, id)
			}
			key := eventKey(t, id)
			if body, _ := y.object(t, key); body != events[id] || len(key) > replay.MaxKeyBytes {
				t.Errorf("%s has %.300s, want %.300s", key, body, events[id])
			}
			v := y.versions(t, id).Versions
			if len(v) != 1 || !slices.Equal(statuses(v[0]), []string{"live SUCCEEDED", "api SUCCEEDED"}) {
				t.Errorf("got %+v", v)
			}
			again := domain.APIName(r.ReplayID, id, 0)
			for _, execution := range []string{runs[id], again} {
				if got := y.downstream.one(t, execution).attributes["resourceId"]; got != id {
					t.Errorf("published for %q, want %q", got, id)
				}
			}
			if items[i].ResourceID != id || items[i].ExecutionARN != y.ExecutionARN(again) {
				t.Errorf("got item %+v", items[i])
			}
		})
	}
	return r
}

func TestALargestEventWorksAndOneByteMoreIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	id := fresh("largest")
	l := listing{id: id, owner: fresh("agency")}
	sys.throughAndThrough(t, map[string]string{id: l.sized(t, replay.MaxEventBytes)})

	large := l.sized(t, replay.MaxEventBytes+1)
	f := sys.refused(t, sys.ingest(t, large), large, "EventTooLarge")
	if !strings.Contains(f.Cause, "256001 bytes, the most is 256000") {
		t.Errorf("got cause %s", f.Cause)
	}
	if got := len(sys.versions(t, id).Versions); got != 1 {
		t.Errorf("got %d versions, want 1", got)
	}
}

// Beside the largest event that Record takes, the envelope still fits. One that somebody put into the log by hand may be
// larger; its replay finds it under derived/.
func TestAnEventThatDoesNotFitIntoTheEnvelopeTravelsThroughS3(t *testing.T) {
	t.Parallel()
	id := fresh("derived")
	// With $ingestion beside it, Record's result has 262,138 bytes: Step Functions takes 6 more.
	event := listing{id: id, owner: fresh("agency")}.sized(t, 260_900)
	sys.put(t, id, event)
	// Quotes count twice in JSON, and once in the message's attribute: the input is too large, the message is not.
	reason := strings.Repeat(`"`, replay.MaxReasonBytes)
	r := sys.replay(t, request{Select: selection{ResourceIDs: []string{id}}, Reason: reason})
	if want := (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); r.Counts != want {
		t.Fatalf("got counts %+v, want %+v: %+v", r.Counts, want, sys.items(t, r.ReplayID, nil))
	}
	name := domain.APIName(r.ReplayID, id, 0)
	input := aws.ToString(sys.describe(t, name).Input)
	if len(input) > 3000 || !strings.Contains(input, `"eventKey":"derived/`+name+`"`) {
		t.Errorf("got an input of %d bytes: %.300s", len(input), input)
	}
	if body, _ := sys.object(t, "derived/"+name); body != event {
		t.Errorf("derived/ has %.300s", body)
	}
	remarks := decoded(t, event)["remarks"]
	if got := decoded(t, sys.downstream.one(t, name).body)["remarks"]; got != remarks {
		t.Errorf("published other remarks than those of the event")
	}
}

// MiniStack makes a double of every number with a fraction (1.10 becomes 1.1), so this asks for whole numbers only.
func TestWholeNumbersBeyond2To53KeepEveryDigit(t *testing.T) {
	t.Parallel()
	events, numbers := map[string]string{}, map[string]string{}
	for _, digits := range []string{"9007199254740993", "-9007199254740993", "18446744073709551617", "123456789012345678901234567890"} {
		id := fresh("digits")
		numbers[id] = digits
		events[id] = listing{id: id, owner: fresh("agency"), extra: map[string]any{"n": json.Number(digits)}}.json()
	}
	r := sys.throughAndThrough(t, events)
	for id, event := range events {
		replayed := domain.APIName(r.ReplayID, id, 0)
		if input := aws.ToString(sys.succeeded(t, replayed).Input); !strings.Contains(input, `"event":`+event) {
			t.Errorf("a replay starts with %s, want %s in it", input, event)
		}
		for _, name := range []string{sys.versions(t, id).Versions[0].Executions[0].Name, replayed} {
			body := strings.ReplaceAll(sys.downstream.one(t, name).body, " ", "") // MiniStack sets blanks after colons
			if !strings.Contains(body, `"n":`+numbers[id]+`,`) {
				t.Errorf("published %s, want %s in it", body, numbers[id])
			}
		}
	}
}

func TestAForgedEnvelopeIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	id, owner := fresh("forged"), fresh("agency")
	event := listing{id: id, owner: owner}.json()
	sys.succeeded(t, sys.ingest(t, event))
	r := sys.replay(t, request{Select: selection{ResourceIDs: []string{id}}})
	genuine := aws.ToString(sys.describe(t, domain.APIName(r.ReplayID, id, 0)).Input)
	if !strings.Contains(genuine, r.ReplayID) {
		t.Fatalf("got input %s", genuine)
	}
	version := sys.versions(t, id).Versions[0].VersionID
	tests := []struct{ name, input string }{
		{"the input of a real replay", genuine},
		{"a made up one", `{"replayableIngestion":{"v":1,"mode":"auto","resourceId":"` + id + `","versionId":"` + version +
			`","attempt":1,"reason":"x"},"event":` + event + `}`},
		{"one that points to another object", `{"replayableIngestion":{"v":1,"mode":"api","replayId":"` + r.ReplayID +
			`","resourceId":"` + id + `","versionId":"` + version + `","reason":"x","eventKey":"replays/` + r.ReplayID + `/request.json"}}`},
		{"an event that carries the key", `{"replayableIngestion":true,` + event[1:]},
		{"the key in disguise", `{"replayable\u0049ngestion":{},` + event[1:]},
		{"an unknown version", strings.Replace(genuine, `"v":1`, `"v":2`, 1)},
	}
	runs := make([]string, len(tests))
	for i, c := range tests {
		runs[i] = sys.ingest(t, c.input)
	}
	for i, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if f := sys.refused(t, runs[i], c.input, "InvalidEvent"); !strings.Contains(f.Cause, "replayableIngestion") {
				t.Errorf("got cause %s", f.Cause)
			}
		})
	}
	t.Run("under the name that a replay would have", func(t *testing.T) {
		name := domain.APIName(r.ReplayID, id, 1)
		sys.start(t, name, genuine)
		sys.refused(t, name, genuine, "InvalidEvent")
	})
	if v := sys.versions(t, id).Versions; len(v) != 1 || len(v[0].Executions) != 2 {
		t.Errorf("a forged replay left traces in the history: %+v", v)
	}
}
