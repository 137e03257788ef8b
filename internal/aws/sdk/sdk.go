// Package sdk mends what the AWS SDK for Go does to requests. See docs/adr/0053-an-answer-is-read-to-its-end.md.
package sdk

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PlainBodies is an API option that lets package net/http read the bodies of requests, and not ask them to write
// themselves.
//
// The SDK closes a body as soon as there is an answer, and a closed body answers io.WriterTo with io.EOF, which is an
// error there. Package net/http asks for more of a body once all is sent, to see that it has ended. Where the answer
// comes before that, it closes the connection for that error, the rest of the answer is lost, and the SDK sends the
// request again, although it was done. Of a body that is read, io.EOF is the end.
func PlainBodies(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("PlainBodies", plainBody), middleware.After)
}

func plainBody(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		if _, writes := req.GetStream().(io.WriterTo); writes {
			plain, err := req.SetStream(onlyRead(req.GetStream()))
			if err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("set body: %w", err)
			}
			in.Request = plain
		}
	}
	return next.HandleFinalize(ctx, in)
}

func onlyRead(stream io.Reader) io.Reader {
	if s, ok := stream.(io.ReadSeeker); ok {
		return struct{ io.ReadSeeker }{s}
	}
	return struct{ io.Reader }{stream}
}
