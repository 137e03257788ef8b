package httpclient

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// body is a request's body as the SDK makes it, which is asked whether it has ended only after it was closed: so late that
// the answer is there.
type body struct {
	io.Reader
	closed chan struct{}
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if n == 0 {
		<-b.closed
	}
	return n, err
}

func (b body) WriteTo(io.Writer) (int64, error) {
	<-b.closed
	return 0, io.EOF
}

func (b body) Close() error {
	select {
	case <-b.closed:
	default:
		close(b.closed)
	}
	return nil
}

func TestAnAnswerThatComesEarlyIsReadToItsEnd(t *testing.T) {
	const question, answer = `{"a":1}`, `{"b":2}`
	for _, c := range []struct {
		name   string
		client interface {
			Do(*http.Request) (*http.Response, error)
		}
		lost bool
	}{
		{"with the SDK's client", awshttp.NewBuildableClient(), true},
		{"with this client", New(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			hungUp, rest := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); err != nil || string(got) != question {
					t.Errorf("the server got %q, %v", got, err)
				}
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				if c.lost {
					<-r.Context().Done()
					close(hungUp)
					return
				}
				<-rest
				_, _ = io.WriteString(w, answer)
			}))
			defer server.Close()
			sent := body{strings.NewReader(question), make(chan struct{})}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, sent)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = int64(len(question))
			resp, err := c.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			_ = req.Body.Close() // as the SDK does then
			if c.lost {
				<-hungUp
			}
			close(rest)
			got, err := io.ReadAll(resp.Body)
			if c.lost {
				if err == nil {
					t.Error("the answer was not lost, so this package can go")
				}
				return
			}
			if err != nil || string(got) != answer {
				t.Errorf("got %q, %v, want %q", got, err, answer)
			}
		})
	}
}

// When this fails, the SDK has mended what this package is for.
func TestTheSDKStillNeedsThis(t *testing.T) {
	req, ok := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if !ok {
		t.Fatal("not a request over HTTP")
	}
	req, err := req.SetStream(strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	sent := req.Build(t.Context()).Body
	if err := sent.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, sent); !errors.Is(err, io.EOF) {
		t.Errorf("a closed body answers %v, no longer io.EOF: remove internal/httpclient", err)
	}
}
