package ctl_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/manifest"
)

// cloudFormation answers DescribeStacks as AWS does, in pages of one stack.
type cloudFormation struct {
	stacks map[string][]manifest.Ingestion
	order  []string
	refuse string // an error code, instead
	asked  int
}

func (c *cloudFormation) add(stack string, all ...manifest.Ingestion) {
	c.stacks[stack] = append([]manifest.Ingestion{}, all...)
	c.order = append(c.order, stack)
}

func (c *cloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked++
	w.Header().Set("Content-Type", "text/xml")
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	names, next := c.order, ""
	if name := r.Form.Get("StackName"); name != "" {
		names = []string{name}
	} else if len(names) > 1 {
		at := 0
		_, _ = fmt.Sscan(r.Form.Get("NextToken"), &at)
		if at+1 < len(names) {
			next = fmt.Sprint(at + 1)
		}
		names = names[at : at+1]
	}
	code := c.refuse
	if len(names) == 1 && c.stacks[names[0]] == nil {
		code = "ValidationError"
	}
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>says AWS</Message></Error></ErrorResponse>`, code)
		return
	}
	type output struct{ OutputKey, OutputValue string }
	type member struct {
		StackName string
		Outputs   []output `xml:"Outputs>member"`
	}
	var doc struct {
		XMLName   xml.Name `xml:"DescribeStacksResponse"`
		Stacks    []member `xml:"DescribeStacksResult>Stacks>member"`
		NextToken string   `xml:"DescribeStacksResult>NextToken,omitempty"`
	}
	doc.NextToken = next
	for _, name := range names {
		m := member{StackName: name, Outputs: []output{{"Other", "x"}}}
		for i, one := range c.stacks[name] {
			m.Outputs = append(m.Outputs, output{fmt.Sprint("Manifest", i), one.Encode()})
		}
		doc.Stacks = append(doc.Stacks, m)
	}
	b, err := xml.Marshal(doc)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(b)
}

// account has the world's ingestion found in stacks.
func (w *world) account() *cloudFormation {
	w.t.Helper()
	c := &cloudFormation{stacks: map[string][]manifest.Ingestion{}}
	server := httptest.NewServer(c)
	w.t.Cleanup(server.Close)
	w.process.Env = environment(map[string]string{})
	w.process.CacheDir = w.t.TempDir()
	w.endpoint = " --endpoint-url " + server.URL
	return c
}

func (w *world) in(stack, id string) manifest.Ingestion {
	return manifest.Ingestion{Stack: stack, Path: stack + "/" + id, Region: "us-east-1", APIURL: w.gateway.URL + "/"}
}

func TestTheOnlyIngestionIsFoundAndKept(t *testing.T) {
	w := newWorld(t)
	c := w.account()
	c.add("vpc")
	c.add("listings-prod", w.in("listings-prod", "Listings"))
	for range 3 {
		w.run("list"+w.endpoint).wants(t, ctl.ExitOK, nil, []string{"no replays"})
	}
	if c.asked != 2 {
		t.Errorf("asked %d times, want once for each page", c.asked)
	}
	w.run("list --refresh"+w.endpoint).wants(t, ctl.ExitOK, nil, nil)
	if c.asked != 4 {
		t.Errorf("asked %d times, want once more for each page", c.asked)
	}
}

func TestOfSeveralIngestionsOneIsNamed(t *testing.T) {
	w := newWorld(t)
	c := w.account()
	wrong := w.in("shop", "Orders")
	wrong.APIURL = "http://127.0.0.1:1/v1/"
	c.add("shop", wrong, w.in("shop", "Carts"))
	c.add("listings", w.in("listings", "Listings"))
	w.run("list"+w.endpoint).wants(t, ctl.ExitUsage, nil, []string{
		"there are 3 ingestions", "--stack listings --ingestion listings/Listings", "--stack shop --ingestion shop/Carts", "--stack shop --ingestion shop/Orders"})
	w.run("list --stack listings"+w.endpoint).wants(t, ctl.ExitOK, nil, nil)
	w.run("list --stack shop"+w.endpoint).wants(t, ctl.ExitUsage, nil, []string{"there are 2 ingestions"})
	w.run("list --stack shop --ingestion Carts"+w.endpoint).wants(t, ctl.ExitOK, nil, nil)
	w.run("list --ingestion shop/Carts"+w.endpoint).wants(t, ctl.ExitOK, nil, nil)
	w.run("list --ingestion shop/Orders"+w.endpoint).wants(t, ctl.ExitUnreachable, nil, []string{"127.0.0.1:1"})
	w.process.Env = environment(map[string]string{"REPLAYCTL_STACK": "shop", "REPLAYCTL_INGESTION": "Carts"})
	got := w.run("replay r1 --reason x" + w.endpoint)
	got.wants(t, ctl.ExitOK, nil, []string{"status " + strings.TrimSpace(got.out) + " --watch --endpoint-url="})
	w.run("list --stack nowhere"+w.endpoint).wants(t, ctl.ExitRefused, nil, []string{"there is no stack nowhere", "stack nowhere, Region us-east-1", "--local"})
}

func TestFindingIsRefused(t *testing.T) {
	for code, want := range map[string]struct {
		exit ctl.Code
		says string
	}{
		"AccessDenied":         {ctl.ExitRefused, "cloudformation:DescribeStacks"},
		"ExpiredToken":         {ctl.ExitRefused, "aws sso login"},
		"InvalidClientTokenId": {ctl.ExitRefused, "aws sts get-caller-identity"},
	} {
		w := newWorld(t)
		c := w.account()
		c.add("a", w.in("a", "A"))
		c.refuse = code
		w.run("list"+w.endpoint).wants(t, want.exit, nil, []string{want.says, "says AWS"})
	}
	w := newWorld(t)
	c := w.account()
	c.add("vpc")
	w.run("list"+w.endpoint).wants(t, ctl.ExitRefused, nil, []string{"no ingestion found", "looked in Region us-east-1", "--api-url"})
}

// A signature is for a Region. The one that the URL names is right, whatever the configuration has.
func TestTheRegionOfAnAPIIsInItsURL(t *testing.T) {
	w := newWorld(t)
	signed := ""
	w.process.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		signed = r.Header.Get("Authorization")
		return nil, errors.New("it stays in this process")
	})
	for line, want := range map[string]string{
		"--api-url https://abc123.execute-api.eu-west-1.amazonaws.com/v1":                         "/eu-west-1/execute-api/",
		"--api-url https://abc123.execute-api.cn-north-1.amazonaws.com.cn/v1":                     "/cn-north-1/execute-api/",
		"--api-url https://replay.example.com/v1":                                                 "/us-east-1/execute-api/",
		"--api-url https://abc123.execute-api.eu-west-1.amazonaws.com/v1 --region ap-southeast-2": "/ap-southeast-2/execute-api/",
	} {
		w.run("list "+line).wants(t, ctl.ExitUnreachable, nil, []string{"it stays in this process"})
		if !strings.Contains(signed, want) {
			t.Errorf("%s: got %s, want it signed for %s", line, signed, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheLocalStackIsFoundInItsFile(t *testing.T) {
	w := newWorld(t)
	w.process.Env = environment(map[string]string{"REPLAYCTL_STACK": "production"}) // not what --local means
	file := filepath.Join(t.TempDir(), "local.json")
	b, err := json.Marshal(map[string]any{
		"endpointUrl": "http://127.0.0.1:1", "region": "us-east-1", "ingestions": []manifest.Ingestion{w.in("dev", "Listings")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	// The emulator takes any credentials; this gateway does not, and shows whose they are.
	w.run("list --local="+file).wants(t, ctl.ExitRefused, nil, []string{"does not know these credentials"})
	w.run("list --local="+file+" --stack prod").wants(t, ctl.ExitRefused, nil, []string{"no ingestion found", "looked in " + file})
	w.process.Env = environment(map[string]string{"REPLAYCTL_LOCAL": file, "REPLAYCTL_STACK": "production"})
	w.run("list --stack prod").wants(t, ctl.ExitRefused, nil, []string{"looked in " + file})
	w.run("list --api-url "+w.gateway.URL).wants(t, ctl.ExitOK, nil, nil)
	t.Chdir(t.TempDir())
	w.run("list --local").wants(t, ctl.ExitUsage, nil, []string{"nothing runs here", "`make local` starts a stack"})
}

func TestTheShellIsOfferedNames(t *testing.T) {
	w := newWorld(t)
	c := w.account()
	c.add("shop", w.in("shop", "Orders"), w.in("shop", "Carts"))
	c.add("listings", w.in("listings", "Listings"))
	id := w.ask(`{"select":{"resourceIds":["r1"]},"reason":"the index lost it"}`)
	for line, want := range map[string][]string{
		"status --stack listings" + w.endpoint + " ": {id + "\tPENDING the index lost it"},
		"items --stack listings" + w.endpoint + " ":  {id},
		"cancel --stack listings" + w.endpoint + " ": {id},
		"list" + w.endpoint + " --stack ":            {"listings\n", "shop\n"},
		"list" + w.endpoint + " --ingestion ":        {"shop/Carts", "shop/Orders", "listings/Listings"},
		"list --output ":                             {"table", "json", "jsonl"},
		"items x --outcome ":                         {"FAILED", "SKIPPED"},
		"list --status ":                             {"HALTED"},
		"replay --on-failure ":                       {"stop", "continue"},
		"can":                                        {"cancel\t"},
		"status --stack nowhere" + w.endpoint + " ":  {":36\n"},
	} {
		words := append([]string{"__complete"}, strings.Split(line, " ")...)
		got := w.runWords(words...)
		got.wants(t, ctl.ExitOK, want, nil)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		w.run("completion "+shell).wants(t, ctl.ExitOK, []string{"replayctl"}, nil)
	}
}
