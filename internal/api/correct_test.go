package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// correctable is a backend with two versions of r1, and their ids.
func correctable(t *testing.T) (b *backend, older, newer string) {
	t.Helper()
	b = newBackend(t)
	for i, into := range []*string{&older, &newer} {
		at := written.Add(time.Duration(i) * time.Minute)
		b.bucket.Now = func() time.Time { return at }
		id, err := b.api.log.Put(t.Context(), "r1", []byte(`{"id":"r1","owner":"o1","n":1}`),
			eventlog.Meta{Execution: "r1-" + string(rune('a'+i)), RecordedAt: at, StartedAt: at})
		if err != nil {
			t.Fatal(err)
		}
		*into = id
	}
	b.table.Writes, b.bucket.Writes = 0, 0
	return b, older, newer
}

func (b *backend) correct(t *testing.T, fields string) (int, string) {
	t.Helper()
	req := routed("POST", "/versions", "")
	req.Body = `{"resourceId":"r1","reason":"x",` + fields + `}`
	answer := b.ask(t, req)
	return answer.StatusCode, answer.Body
}

func TestACorrectionNamesItsVersion(t *testing.T) {
	const patch = `"transform":{"mergePatch":{"n":2}}`
	b, older, newer := correctable(t)
	for _, tt := range []struct{ name, fields, want string }{
		{"the latest", patch, newer},
		{"the latest by its id", `"versionId":"` + newer + `",` + patch, newer},
		{"an older one", `"versionId":"` + older + `","allowStale":true,` + patch, older},
	} {
		status, body := b.correct(t, tt.fields)
		var accepted replay.Accepted
		if err := json.Unmarshal([]byte(body), &accepted); err != nil || status != http.StatusAccepted {
			t.Fatalf("%s: got %d %s", tt.name, status, body)
		}
		r := accepted.Request
		if r.Action != replay.Correct || r.Versions.Mode != replay.VersionIDs || !slices.Equal(r.Versions.IDs, []string{tt.want}) {
			t.Errorf("%s: got %+v, want version %s", tt.name, r, tt.want)
		}
	}
}

func TestACorrectionThatCannotBeIsRefused(t *testing.T) {
	const patch = `"transform":{"mergePatch":{"n":2}}`
	b, older, _ := correctable(t)
	for _, tt := range []struct {
		name, fields string
		status       int
		want         []string
	}{
		{"an older version", `"versionId":"` + older + `",` + patch, 409, []string{"is newer than " + older, "allowStale"}},
		{"a version that there is not", `"versionId":"v9",` + patch, 404, []string{"no such version"}},
		{"another resource id", `"transform":{"mergePatch":{"id":"r2"}}`, 400, []string{`"transform"`, `changes the resource id to`, "change the patch"}},
		{"an owner that is not usable", `"transform":{"mergePatch":{"owner":1.5}}`, 400, []string{`"transform"`, "$.owner", "whole number"}},
		{"an event that is too large", `"transform":{"mergePatch":{"n":"` + strings.Repeat("x", replay.MaxEventBytes-10) + `"}}`, 400,
			[]string{`"transform"`, "EventTooLarge", "the most is 256000"}},
		{"a patch that does not apply", `"transform":{"jsonPatch":[{"op":"test","path":"/n","value":7}]}`, 400, []string{`"transform"`, "/n"}},
		{"a patch that changes nothing", `"transform":{"mergePatch":{"n":1}}`, 400, []string{`"transform"`, "changes nothing"}},
	} {
		status, body := b.correct(t, tt.fields)
		if status != tt.status {
			t.Errorf("%s: got %d %.300s, want %d", tt.name, status, body, tt.status)
		}
		for _, want := range tt.want {
			if !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), want) {
				t.Errorf("%s: got %s, want it to say %q", tt.name, body, want)
			}
		}
	}
	for resource, want := range map[string]int{"r9": 404, "by-hand": 422} {
		req := routed("POST", "/versions", "")
		req.Body = `{"resourceId":"` + resource + `","reason":"x",` + patch + `}`
		if answer := b.ask(t, req); answer.StatusCode != want {
			t.Errorf("%s: got %d %s, want %d", resource, answer.StatusCode, answer.Body, want)
		}
	}
	if got := b.faults(t, func() request { r := routed("POST", "/versions", "dryRun=true"); r.Body = valid; return r }()); !slices.Equal(got, []string{"dryRun"}) {
		t.Errorf("got faults of %q, want of dryRun", got)
	}
	if b.table.Writes+b.bucket.Writes+len(b.sent) > 0 {
		t.Error("something was written")
	}
}
