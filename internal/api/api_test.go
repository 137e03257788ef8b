package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
)

const valid = `{"select":{"resourceIds":["a/b"]},"reason":"x"}`

// faults asks for what is to be refused and returns the fields that are named.
func (b *backend) faults(t *testing.T, req request) (fields []string) {
	t.Helper()
	answer := b.ask(t, req)
	var p replay.Problem
	if err := json.Unmarshal([]byte(answer.Body), &p); err != nil || answer.StatusCode != http.StatusBadRequest {
		t.Fatalf("got %d %s, want 400", answer.StatusCode, answer.Body)
	}
	for _, f := range p.Errors {
		fields = append(fields, f.Field)
	}
	return fields
}

func TestBadRequestsAreRefusedByField(t *testing.T) {
	self := "/replays/" + running
	for _, tt := range []struct {
		name, method, path, query string
		want                      []string
	}{
		{"a dry run that is not in the body", "POST", "/replays", "dryRun=true", []string{"dryRun"}},
		{"a call that has no parameters", "POST", self + "/cancel", "force=1", []string{"force"}},
		{"a replay", "GET", self, "verbose", []string{"verbose"}},
		{"an unknown filter", "GET", self + "/items", "outcom=FAILED", []string{"outcom"}},
		{"a filter given twice", "GET", self + "/items", "outcome=FAILED&outcome=SKIPPED", []string{"outcome"}},
		{"an empty filter", "GET", self + "/items", "outcome=", []string{"outcome"}},
		{"a parameter without a name", "GET", "/replays", "=x", []string{`""`}},
		{"limits", "GET", "/replays", "limit=0", []string{"limit"}},
		{"a limit that is no number", "GET", "/replays", "limit=1e1&status=DONE", []string{"status", "limit"}},
		{"no resource id", "GET", "/versions", "", []string{"resourceId"}},
		{"an id that is no UTF-8", "GET", "/versions/v1", "resourceId=%FF", []string{"resourceId"}},
		{"a glob that is too long", "GET", "/failures", "error=" + strings.Repeat("a", 257), []string{"error"}},
		{"failures of no time", "GET", "/failures", "since=-PT1H&until=-PT1H", []string{"until"}},
		{"a bad cursor", "GET", "/failures", "cursor=bm9uZQ", []string{"cursor"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBackend(t)
			req := routed(tt.method, tt.path, tt.query)
			req.Body = valid
			if got := b.faults(t, req); !slices.Equal(got, tt.want) {
				t.Errorf("got faults of %q, want of %q", got, tt.want)
			}
			if b.table.Writes+b.bucket.Writes+len(b.sent) > 0 {
				t.Error("something was written")
			}
		})
	}
}

func TestBadBodiesAndKeysAreRefused(t *testing.T) {
	many := []string{"k1", "k2"}
	for name, change := range map[string]func(*request){
		"body": func(r *request) { r.IsBase64Encoded = true },
		"Idempotency-Key": func(r *request) {
			r.Headers = map[string]string{"idempotency-key": "k2"} // API Gateway passes on the last one, and both
			r.MultiValueHeaders = map[string][]string{"idempotency-key": many}
		},
	} {
		req := routed("POST", "/replays", "")
		req.Body = valid
		change(&req)
		if got := newBackend(t).faults(t, req); !slices.Equal(got, []string{name}) {
			t.Errorf("got faults of %q, want of %s", got, name)
		}
	}
}

func TestACursorGoesWithItsListOnly(t *testing.T) {
	b := newBackend(t)
	var page struct{ NextCursor string }
	first := b.ask(t, routed("GET", "/failures", "error=*&limit=2"))
	if err := json.Unmarshal([]byte(first.Body), &page); err != nil || page.NextCursor == "" {
		t.Fatalf("got %s, %v, want a page that another one follows", first.Body, err)
	}
	for query, want := range map[string]int{"error=*&limit=100": 200, "error=G*&limit=2": 400, "limit=2": 400} {
		if got := b.ask(t, routed("GET", "/failures", query+"&cursor="+page.NextCursor)); got.StatusCode != want {
			t.Errorf("%s: got %d %s, want %d", query, got.StatusCode, got.Body, want)
		}
	}
	for _, path := range []string{"/replays", "/replays/" + running + "/items"} {
		if got := b.ask(t, routed("GET", path, "cursor="+page.NextCursor)); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want 400", path, got.StatusCode, got.Body)
		}
	}
}

// The paths are those of events that API Gateway sends, with and without a custom domain.
func TestLinksBeginWhereTheCallersPathDoes(t *testing.T) {
	self := "/replays/" + running
	for _, tt := range []struct{ name, path, inContext, want string }{
		{"the stage", self, "/v1" + self, "/v1" + self},
		{"a custom domain", self, self, self},
		{"a base path", "/listings" + self, "/listings" + self, "/listings" + self},
		{"a base path and the stage", "/listings/v1" + self, "/listings/v1" + self, "/listings/v1" + self},
		{"a slash at the end", self + "/", "/v1" + self + "/", "/v1" + self},
		{"no path", self, "", "/v1" + self},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := routed("GET", self, "")
			req.Path, req.RequestContext.Path = tt.path, tt.inContext
			var r replay.Replay
			answer := newBackend(t).ask(t, req)
			if err := json.Unmarshal([]byte(answer.Body), &r); err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
			}
			if r.Links["self"] != tt.want || r.Links["items"] != tt.want+"/items" || r.Links["cancel"] != tt.want+"/cancel" {
				t.Errorf("got %v, want %s", r.Links, tt.want)
			}
		})
	}
}

func TestVersionsOfAllKinds(t *testing.T) {
	for _, tt := range []struct {
		version, resource string
		want              int
	}{
		{"v000004", "a/b", 200},
		{"v00000%34", "a/b", 200}, // a client may encode more than it must
		{"v9", "a/b", 404},
		{"%00", "a/b", 404},
		{strings.Repeat("v", 1025), "a/b", 404},
		{"v000004", "a", 404},
		{"v000008", "by-hand", 422},
	} {
		answer := newBackend(t).ask(t, routed("GET", "/versions/"+tt.version, "resourceId="+tt.resource))
		if answer.StatusCode != tt.want {
			t.Errorf("version %.20s of %s: got %d %s, want %d", tt.version, tt.resource, answer.StatusCode, answer.Body, tt.want)
		}
	}
}

// lambdaBytes is what Lambda takes and passes on. An answer is a text in the JSON that it passes on.
const lambdaBytes = 6 << 20

func TestTheLargestAnswersFit(t *testing.T) {
	b := newBackend(t)
	var unknown strings.Builder
	for i := 0; unknown.Len() < lambdaBytes-1_000; i++ {
		fmt.Fprintf(&unknown, `,"\u0001<%d":1`, i)
	}
	for name, body := range map[string]string{
		"unknown fields": `{"a":1` + unknown.String() + `}`,
		"bad ids":        `{"select":{"resourceIds":[` + strings.Repeat(`"<\u0001",`, 999) + `""]},"reason":"x"}`,
		"bad operations": `{"select":{"ownerId":"o"},"reason":"x","transform":{"jsonPatch":[` +
			strings.Repeat(`{"op":"`+strings.Repeat("<", 200)+`","path":"<"},`, 999) + `1]}}`,
	} {
		req := routed("POST", "/replays", "")
		req.Body = body
		answer := b.ask(t, req)
		if sent, err := json.Marshal(answer); err != nil || answer.StatusCode != http.StatusBadRequest || len(sent) > lambdaBytes {
			t.Errorf("%s: got %d of %d bytes, %v", name, answer.StatusCode, len(sent), err)
		}
	}
	id := b.put(t, "events/large", `"`+strings.Repeat("<", maxBodyBytes-2)+`"`)
	answer := b.ask(t, routed("GET", "/versions/"+id, "resourceId=large"))
	if sent, err := json.Marshal(answer); err != nil || answer.StatusCode != http.StatusOK || len(sent) > lambdaBytes {
		t.Errorf("an event: got %d of %d bytes, %v", answer.StatusCode, len(sent), err)
	}
}
