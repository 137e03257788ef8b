package synth_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/test/openapi"
)

func document(t *testing.T) *openapi.Document {
	t.Helper()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// paths maps the resources of the API, as references, to their paths.
func paths(tpl template) map[string]string {
	out := map[string]string{}
	parent := map[string]string{}
	part := map[string]string{}
	for id, r := range tpl.ofType("AWS::ApiGateway::Resource") {
		parent["${"+id+"}"], part["${"+id+"}"] = render(r.Properties["ParentId"]), render(r.Properties["PathPart"])
	}
	for ref := range part {
		path := ""
		for at := ref; part[at] != ""; at = parent[at] {
			path = "/" + part[at] + path
		}
		out[ref] = path
	}
	return out
}

func TestTheDocumentHasTheRoutesOfTheAPI(t *testing.T) {
	tpl := minimal(t)
	path := paths(tpl)
	var got, want []string
	for _, m := range tpl.ofType("AWS::ApiGateway::Method") {
		got = append(got, fmt.Sprint(m.Properties["HttpMethod"], " ", path[render(m.Properties["ResourceId"])]))
		if auth := m.Properties["AuthorizationType"]; auth != "AWS_IAM" {
			t.Errorf("authorization by %v, the document says by signature", auth)
		}
	}
	for _, op := range document(t).Operations() {
		want = append(want, op.Method+" "+op.Path)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the template has %q, the document %q", got, want)
	}
}

// TestGatewayAnswersAreDocumented fills in the templates of API Gateway's own answers, which the emulator does not use.
func TestGatewayAnswersAreDocumented(t *testing.T) {
	doc := document(t)
	seen := map[openapi.Pair]bool{}
	for id, r := range minimal(t).ofType("AWS::ApiGateway::GatewayResponse") {
		templates, _ := r.Properties["ResponseTemplates"].(map[string]any)
		body := strings.NewReplacer("$context.error.messageString", `"Forbidden"`, "$context.requestId", "c6af9ac6").
			Replace(fmt.Sprint(templates["application/problem+json"]))
		statuses := []int{400, 403, 413, 429, 500, 502, 503, 504} // those of DEFAULT_4XX and DEFAULT_5XX that are documented
		if code, is := r.Properties["StatusCode"].(string); is {
			status, err := strconv.Atoi(code)
			if err != nil {
				t.Fatal(err)
			}
			statuses = []int{status}
		}
		for _, op := range doc.Operations() {
			for _, status := range statuses {
				if op.Responses.Status(status) == nil {
					continue // not to this call
				}
				pair, err := doc.Check(openapi.Answer{
					Method: op.Method, Path: op.Path, Status: status, Header: http.Header{"Content-Type": {"application/problem+json"}},
					Body: []byte(body),
				})
				if err != nil {
					t.Errorf("%s: %v", id, err)
				}
				if r.Properties["StatusCode"] != nil {
					seen[pair] = true
				}
			}
		}
	}
	for _, p := range doc.Missing(openapi.Gateway, seen) {
		t.Errorf("no template gives the answer %s", p)
	}
}
