package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// backend is what is behind the API: a table, a bucket and a queue in memory, with a little of everything in them.
type backend struct {
	table  *awstest.Table
	bucket *awstest.Bucket
	sent   []string
	api    *API
}

func (b *backend) Send(_ context.Context, bodies ...string) error {
	b.sent = append(b.sent, bodies...)
	return nil
}

// Ids of what every backend has.
const (
	running  = "01KAV7Q0ZJ4M3T5W8X9Y2B6C7D"
	finished = "01KAV7Q0ZJ4M3T5W8X9Y2B6C7E"
	planned  = "01KAV7Q0ZJ4M3T5W8X9Y2B6C7F"
)

func newBackend(t testing.TB) *backend {
	t.Helper()
	b := &backend{table: awstest.NewTable(), bucket: awstest.NewBucket()}
	b.bucket.Now = func() time.Time { return written }
	book, log := ledger.New(b.table, "ledger"), eventlog.New(b.bucket, "events")
	reader, err := ingest.NewReader("$.id", "$.owner", replay.MaxEventBytes)
	if err != nil {
		t.Fatal(err)
	}
	b.api = New(book, log, b, reader, nil)
	b.api.now = func() time.Time { return written.Add(time.Hour) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	for id, status := range map[string]replay.Status{running: replay.Pending, finished: replay.Completed, planned: replay.Planned} {
		r := domain.Replay{ID: id, Status: status, Action: replay.Rerun, RequestedBy: "me", Reason: "x", CreatedAt: domain.At(written)}
		if status == replay.Planned { // the first look at a plan has its hash computed; later ones change nothing
			r.PlanHash = strings.Repeat("0", 64)
		}
		check(log.PutObject(ctx, eventlog.RequestKey(id), []byte(`{"action":"rerun","select":{"ownerId":"o"},"reason":"x"}`)))
		check(book.Replays.Add(ctx, r))
		if id == running {
			entries := []domain.Entry{{ResourceID: "a/b"}, {ResourceID: ".."}, {ResourceID: "\U0001F3E0"}}
			check(book.Pages.Add(ctx, r, domain.Page{ReplayID: id, Next: "more"}, entries, false))
			check(book.Pages.Add(ctx, r, domain.Page{ReplayID: id, Number: 1}, entries, false))
		}
	}
	for i := range 4 {
		_, err := log.Put(ctx, "a/b", []byte(`{"n":1}`), eventlog.Meta{Execution: fmt.Sprint("live-", i), RecordedAt: written})
		check(err)
		_, err = book.Failures.Add(ctx, domain.Failure{
			Execution: fmt.Sprint("live-", i), Status: domain.Quarantined, Error: "Geocoder.Down", FailedAt: domain.At(written),
		})
		check(err)
	}
	b.put(t, "events/by-hand", "\xff")
	b.table.Writes, b.bucket.Writes = 0, 0
	return b
}

// put puts an object into the bucket by hand, and returns the id of its version.
func (b *backend) put(t testing.TB, key, body string) string {
	t.Helper()
	out, err := b.bucket.PutObject(t.Context(), &s3.PutObjectInput{Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	return *out.VersionId
}

var written = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)

// routed makes of a request what API Gateway makes of it.
func routed(method, path, rawQuery string) request {
	req := request{
		HTTPMethod: method, Resource: path, Path: path, QueryStringParameters: map[string]string{},
		MultiValueQueryStringParameters: map[string][]string{}, PathParameters: map[string]string{},
		RequestContext: events.APIGatewayProxyRequestContext{Stage: "v1", Path: "/v1" + path, RequestID: "request-1"},
	}
	if query, err := url.ParseQuery(rawQuery); err == nil {
		req.MultiValueQueryStringParameters = query
		for name, values := range query {
			req.QueryStringParameters[name] = values[len(values)-1]
		}
	}
	got := strings.Split(path, "/")
	for _, resource := range []string{"/replays/{replayId}", "/replays/{replayId}/items", "/replays/{replayId}/cancel", "/versions/{versionId}"} {
		want := strings.Split(resource, "/")
		if len(want) != len(got) || want[1] != got[1] || len(want) == 4 && want[3] != got[3] {
			continue
		}
		req.Resource = resource
		req.PathParameters[strings.Trim(want[2], "{}")] = got[2]
	}
	return req
}

// FuzzQuery checks that whatever arrives is answered in JSON and is never a 5xx: the services behind the API behave.
func FuzzQuery(f *testing.F) {
	items := "/replays/" + running + "/items"
	for _, s := range []struct{ method, path, query, header, body string }{
		{"POST", "/replays", "", "", `{"select":{"resourceIds":["a/b"]},"reason":"x"}`},
		{"POST", "/replays", "dryRun=true", "key-1", `{"select":{"all":true},"maxItems":1,"reason":"x"}`},
		{"POST", "/versions", "", "key-2", `{"resourceId":"a/b","versionId":"v000004","transform":{"mergePatch":{"n":2}},"reason":"x"}`},
		{"POST", "/versions", "", "", `{"resourceId":"by-hand","transform":{"jsonPatch":[]},"dryRun":true,"reason":"x"}`},
		{"GET", "/replays", "status=PENDING&limit=1", "", ""},
		{"GET", "/replays/" + finished, "", "", ""},
		{"GET", "/replays/" + planned, "", "", ""},
		{"GET", items, "outcome=WAITING&limit=2", "", ""},
		{"GET", items, "limit=2&cursor=0%23I%230001", "", ""},
		{"POST", "/replays/" + running + "/cancel", "", "", ""},
		{"GET", "/versions", "resourceId=a%2Fb&limit=1&cursor=v000005", "", ""},
		{"GET", "/versions/v000004", "resourceId=a/b", "", ""},
		{"GET", "/failures", "error=Geo*&since=-P1D&until=-PT1S&limit=3", "", ""},
	} {
		f.Add(s.method, s.path, s.query, s.header, []byte(s.body), false, strings.Contains(s.query, "cursor"))
	}
	f.Fuzz(func(t *testing.T, method, path, rawQuery, key string, body []byte, encoded, forge bool) {
		b := newBackend(t)
		req := routed(method, path, rawQuery)
		req.Body, req.IsBase64Encoded = string(body), encoded
		if encoded && len(body)%2 == 0 {
			req.Body = base64.StdEncoding.EncodeToString(body)
		}
		if key != "" {
			req.Headers = map[string]string{"idempotency-key": key}
		}
		if position, given := req.QueryStringParameters["cursor"]; given && forge { // past the seal, to what is behind it
			req.QueryStringParameters["cursor"] = (&query{list: listOf(req)}).next(position)
		}
		answer := b.ask(t, req)
		if method != http.MethodPost && b.table.Writes+b.bucket.Writes+len(b.sent) > 0 {
			t.Errorf("%s %s wrote", method, path)
		}
		if answer.StatusCode == http.StatusAccepted && rawQuery != "" && len(req.QueryStringParameters) > 0 {
			t.Errorf("accepted, although %q was overlooked", rawQuery)
		}
		var page struct{ NextCursor string }
		if json.Unmarshal([]byte(answer.Body), &page) == nil && page.NextCursor != "" {
			req.QueryStringParameters["cursor"] = page.NextCursor
			if next := b.ask(t, req); next.StatusCode != http.StatusOK {
				t.Errorf("the next page is %d %s", next.StatusCode, next.Body)
			}
		}
	})
}

// ask gets an answer and checks what holds for every one.
func (b *backend) ask(t *testing.T, req request) events.APIGatewayProxyResponse {
	t.Helper()
	answer, err := b.api.Handle(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	known := []int{200, 202, 400, 404, 409, 422}
	if !slices.Contains(known, answer.StatusCode) || !json.Valid([]byte(answer.Body)) || !utf8.ValidString(answer.Body) {
		t.Fatalf("got %d %q", answer.StatusCode, answer.Body)
	}
	if answer.StatusCode < 400 {
		return answer
	}
	var p replay.Problem
	if err := json.Unmarshal([]byte(answer.Body), &p); err != nil || answer.Headers["Content-Type"] != replay.ProblemType ||
		p.Status != answer.StatusCode || p.Title == "" || p.Detail == "" || p.RequestID != "request-1" ||
		(p.Status == http.StatusBadRequest) != (len(p.Errors) > 0) {
		t.Fatalf("got %v %s, %v, want a problem", answer.Headers, answer.Body, err)
	}
	for _, fault := range p.Errors {
		if fault.Field == "" || fault.Detail == "" {
			t.Fatalf("got %+v, want a field and what to do", fault)
		}
	}
	return answer
}
