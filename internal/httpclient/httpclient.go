// Package httpclient is the HTTP client of every AWS client here. See docs/adr/0053-an-answer-is-read-to-its-end.md.
package httpclient

import (
	"io"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Client is the SDK's HTTP client, which reads an answer that came early to its end.
type Client struct {
	*awshttp.BuildableClient
}

// New returns a client with the SDK's defaults.
func New() Client { return Client{awshttp.NewBuildableClient()} }

// Do sends a request.
//
// The SDK closes a request's body as soon as there is an answer, and a closed body answers io.WriterTo with io.EOF, which
// is an error there. Package net/http asks for more of a body once all is sent, to see that it has ended. Where the answer
// comes before that, it closes the connection for that error, the rest of the answer is lost, and the SDK sends the request
// again, although it was done. Without WriteTo the body is read, for which io.EOF is the end.
func (c Client) Do(req *http.Request) (*http.Response, error) {
	if _, ok := req.Body.(io.WriterTo); ok {
		req.Body = struct{ io.ReadCloser }{req.Body}
	}
	return c.BuildableClient.Do(req)
}
