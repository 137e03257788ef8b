package doctor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// cloud answers as AWS does, and as the replay API does below /v1. Its answers are named by their operation, and where
// that is called for several things by the name of the thing: GetQueueAttributes dead.
type cloud struct {
	t   testing.TB
	url string
	now time.Time // of its Date headers

	mu      sync.Mutex
	answers map[string]answer
	calls   []string
}

// answer is one that a test wants. With a code it is an error, in the form of the service's protocol.
type answer struct {
	body    string
	metrics cbor.Map // of CloudWatch
	code    string
	status  int           // of an error; default: 400
	delay   time.Duration // before it
}

func newCloud(t testing.TB, now time.Time) *cloud {
	t.Helper()
	c := &cloud{t: t, now: now, answers: map[string]answer{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	body, _ := io.ReadAll(r.Body) // an empty one is no operation
	op, protocol := operation(r, body)
	c.mu.Lock()
	c.calls = append(c.calls, op)
	a, known := c.answers[op]
	if !known {
		a, known = healthy()[op]
	}
	c.mu.Unlock()
	if !known {
		c.t.Errorf("no answer to %s", op)
		a = answer{code: "InvalidAction"}
	}
	select {
	case <-time.After(a.delay):
	case <-r.Context().Done():
		return
	}
	if a.code != "" {
		refuse(w, protocol, a)
		return
	}
	if protocol == "cbor" && a.body == "" {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		_, _ = w.Write(cbor.Encode(a.metrics)) // the test fails without it
		return
	}
	_, _ = io.WriteString(w, a.body)
}

// operation tells what is asked of which service, in one of AWS's protocols.
func operation(r *http.Request, body []byte) (op, protocol string) {
	var in struct{ QueueUrl, Name, Rule, StateMachineArn string }
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_ = json.Unmarshal(body, &in) // others have other fields
		op = target[strings.LastIndex(target, ".")+1:]
		name := in.QueueUrl + in.Name + in.Rule + in.StateMachineArn
		return strings.TrimSpace(op + " " + name[strings.LastIndexAny(name, "/:")+1:]), "json"
	}
	if _, after, is := strings.Cut(r.URL.Path, "/operation/"); is {
		return after, "cbor"
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return form.Get("Action"), "query"
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "v1":
		return "API " + r.Method + " /" + strings.Join(parts[1:], "/"), "api"
	case parts[0] == "schedules":
		return "GetSchedule", "rest"
	case len(parts) > 1 && parts[1] == "event-source-mappings":
		return "ListEventSourceMappings " + r.URL.Query().Get("FunctionName"), "rest"
	case len(parts) == 4 && parts[1] == "functions":
		return "GetFunction " + parts[3] + " " + parts[2], "rest"
	}
	for name := range r.URL.Query() {
		if name != "x-id" {
			return "GetBucket " + name, "xml"
		}
	}
	return r.Method + " " + r.URL.String(), ""
}

func refuse(w http.ResponseWriter, protocol string, a answer) {
	status := a.status
	if status == 0 {
		status = http.StatusBadRequest
	}
	body := fmt.Sprintf(`{"__type":%q,"message":"it is so"}`, a.code)
	switch protocol {
	case "cbor":
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		body = string(cbor.Encode(cbor.Map{"__type": cbor.String(a.code), "message": cbor.String("it is so")}))
	case "query":
		body = "<ErrorResponse><Error><Code>" + a.code + "</Code><Message>it is so</Message></Error></ErrorResponse>"
	case "xml":
		body = "<Error><Code>" + a.code + "</Code><Message>it is so</Message></Error>"
	case "api":
		w.Header().Set("X-Amzn-Errortype", a.code)
		body = fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":"it is so"}`, http.StatusText(status), status)
	case "rest":
		w.Header().Set("X-Amzn-Errortype", a.code)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the test fails without it
}
