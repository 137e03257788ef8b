package factory_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestTheOnlyIngestionIsFoundAndKept(t *testing.T) {
	w := operator.New(t)
	c := w.Account()
	c.Add("vpc")
	c.Add("listings-prod", w.In("listings-prod", "Listings"))
	for range 3 {
		w.Run("list"+w.Endpoint).Wants(t, exit.OK, nil, []string{"no replays"})
	}
	if c.Asked != 2 {
		t.Errorf("asked %d times, want once for each page", c.Asked)
	}
	w.Run("list --refresh"+w.Endpoint).Wants(t, exit.OK, nil, nil)
	if c.Asked != 4 {
		t.Errorf("asked %d times, want once more for each page", c.Asked)
	}
}

func TestOfSeveralIngestionsOneIsNamed(t *testing.T) {
	w := operator.New(t)
	c := w.Account()
	wrong := w.In("shop", "Orders")
	wrong.APIURL = "http://127.0.0.1:1/v1/"
	c.Add("shop", wrong, w.In("shop", "Carts"))
	c.Add("listings", w.In("listings", "Listings"))
	w.Run("list"+w.Endpoint).Wants(t, exit.Usage, nil, []string{
		"there are 3 ingestions", "--stack listings --ingestion listings/Listings", "--stack shop --ingestion shop/Carts", "--stack shop --ingestion shop/Orders"})
	w.Run("list --stack listings"+w.Endpoint).Wants(t, exit.OK, nil, nil)
	w.Run("list --stack shop"+w.Endpoint).Wants(t, exit.Usage, nil, []string{"there are 2 ingestions"})
	w.Run("list --stack shop --ingestion Carts"+w.Endpoint).Wants(t, exit.OK, nil, nil)
	w.Run("list --ingestion shop/Carts"+w.Endpoint).Wants(t, exit.OK, nil, nil)
	w.Run("list --ingestion shop/Orders"+w.Endpoint).Wants(t, exit.Unreachable, nil, []string{"127.0.0.1:1"})
	w.Process.Env = operator.Environment(map[string]string{"REPLAYCTL_STACK": "shop", "REPLAYCTL_INGESTION": "Carts"})
	got := w.Run("replay r1 --reason x" + w.Endpoint)
	got.Wants(t, exit.OK, nil, []string{"status " + strings.TrimSpace(got.Out) + " --wait --endpoint-url="})
	w.Run("list --stack nowhere"+w.Endpoint).Wants(t, exit.Refused, nil, []string{"stack nowhere does not exist", "stack nowhere, Region us-east-1", "--local"})
}

func TestFindingIsRefused(t *testing.T) {
	for code, want := range map[string]struct {
		exit exit.Code
		says string
	}{
		"AccessDenied":         {exit.Refused, "cloudformation:DescribeStacks"},
		"ExpiredToken":         {exit.Refused, "aws sso login"},
		"InvalidClientTokenId": {exit.Refused, "aws sts get-caller-identity"},
	} {
		w := operator.New(t)
		c := w.Account()
		c.Add("a", w.In("a", "A"))
		c.Refuse = code
		w.Run("list"+w.Endpoint).Wants(t, want.exit, nil, []string{want.says, "says AWS"})
	}
	w := operator.New(t)
	c := w.Account()
	c.Add("vpc")
	w.Run("list"+w.Endpoint).Wants(t, exit.Refused, nil, []string{"no ingestion found", "looked in Region us-east-1", "--api-url"})
}

// A signature is for a Region. The one that the URL names is right, whatever the configuration has.
func TestTheRegionOfAnAPIIsInItsURL(t *testing.T) {
	w := operator.New(t)
	signed := ""
	w.Process.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		signed = r.Header.Get("Authorization")
		return nil, errors.New("it stays in this process")
	})
	for line, want := range map[string]string{
		"--api-url https://abc123.execute-api.eu-west-1.amazonaws.com/v1":                         "/eu-west-1/execute-api/",
		"--api-url https://abc123.execute-api.cn-north-1.amazonaws.com.cn/v1":                     "/cn-north-1/execute-api/",
		"--api-url https://replay.example.com/v1":                                                 "/us-east-1/execute-api/",
		"--api-url https://abc123.execute-api.eu-west-1.amazonaws.com/v1 --region ap-southeast-2": "/ap-southeast-2/execute-api/",
	} {
		w.Run("list "+line).Wants(t, exit.Unreachable, nil, []string{"it stays in this process"})
		if !strings.Contains(signed, want) {
			t.Errorf("%s: got %s, want it signed for %s", line, signed, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheLocalStackIsFoundInItsFile(t *testing.T) {
	w := operator.New(t)
	w.Process.Env = operator.Environment(map[string]string{"REPLAYCTL_STACK": "production"}) // not what --local means
	file := filepath.Join(t.TempDir(), "local.json")
	b, err := json.Marshal(map[string]any{
		"endpointUrl": "http://127.0.0.1:1", "region": "us-east-1", "ingestions": []config.Manifest{w.In("dev", "Listings")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	// The emulator takes any credentials; this gateway does not, and shows whose they are.
	w.Run("list --local="+file).Wants(t, exit.Refused, nil, []string{"does not know these credentials"})
	w.Run("list --local="+file+" --stack prod").Wants(t, exit.Refused, nil, []string{"no ingestion found", "looked in " + file})
	w.Process.Env = operator.Environment(map[string]string{"REPLAYCTL_LOCAL": file, "REPLAYCTL_STACK": "production"})
	w.Run("list --stack prod").Wants(t, exit.Refused, nil, []string{"looked in " + file})
	w.Run("list --api-url "+w.Gateway.URL).Wants(t, exit.OK, nil, nil)
	t.Chdir(t.TempDir())
	w.Run("list --local").Wants(t, exit.Usage, nil, []string{"nothing runs here", "replaydev, in the directory of your app, starts it", "`make local`"})
	// Without a value, it is what replaydev runs for this directory.
	w.Process.CacheDir = t.TempDir()
	app := stack.AppFile(w.Process.CacheDir, ".")
	if err := os.MkdirAll(filepath.Dir(app), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(app, b, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Run("list --local --stack prod").Wants(t, exit.Refused, nil, []string{"looked in " + app})
}

// Whatever is asked of a local stack that has ended, the answer is the same.
func TestALocalStackThatHasEndedIsNamed(t *testing.T) {
	w := operator.New(t)
	w.Process.Transport = nil
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	i := w.In("dev", "Listings")
	i.APIURL = endpoint + "/_aws/execute-api/a/v1"
	b, err := json.Marshal(map[string]any{"endpointUrl": endpoint, "region": "us-east-1", "ingestions": []config.Manifest{i}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "local.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"the local stack of " + file + " does not respond: it has probably ended", "replaydev, in the directory of your app, starts it"}
	w.Run("history r1 --local="+file).Wants(t, exit.Unreachable, nil, want)
	w.Process.In = strings.NewReader(`{"id":"r1"}`)
	w.Run("ingest - --local="+file).Wants(t, exit.Unreachable, nil, want)
}
