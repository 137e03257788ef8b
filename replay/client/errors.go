package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// RefusedError is a response of the API, or of API Gateway before it, with a status of 400 or more.
type RefusedError struct {
	Call    string         // such as GET /replays
	Status  int            // of HTTP
	Problem replay.Problem // empty fields where the response was not a problem document
	Kind    string         // the x-amzn-ErrorType header of API Gateway, such as AccessDeniedException
	Skew    time.Duration  // how far this machine's clock is ahead of the response's Date; 0 without one
}

func (e *RefusedError) Error() string {
	text := e.Problem.Detail
	if text == "" {
		text = http.StatusText(e.Status)
	}
	return fmt.Sprintf("%s: %d: %s", e.Call, e.Status, text)
}

// UnreachableError means that no response of the API came: the request may have had its effect.
type UnreachableError struct {
	Call string
	URL  string
	Err  error
}

func (e *UnreachableError) Error() string { return fmt.Sprintf("%s at %s: %v", e.Call, e.URL, e.Err) }

func (e *UnreachableError) Unwrap() error { return e.Err }

// CredentialsError means that the request could not be signed. It was not sent.
type CredentialsError struct{ Err error }

func (e *CredentialsError) Error() string { return fmt.Sprintf("find credentials: %v", e.Err) }

func (e *CredentialsError) Unwrap() error { return e.Err }

// Temporary reports whether a later call may succeed: no response came, or one with 429, 500, 502, 503 or 504.
func Temporary(err error) bool {
	var refused *RefusedError
	if errors.As(err, &refused) {
		switch refused.Status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var unreachable *UnreachableError
	return errors.As(err, &unreachable)
}

// NotFound reports whether the API does not have the replay, resource or version that was named.
func NotFound(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

func (c *Client) refusal(r Request, resp Response) error {
	e := &RefusedError{Call: r.String(), Status: resp.Status, Kind: resp.Header.Get("X-Amzn-Errortype")}
	if err := json.Unmarshal(resp.Body, &e.Problem); err != nil || e.Problem.Title == "" {
		// Not from this API: a proxy's page, or API Gateway's own form {"message": ...}.
		var gateway struct{ Message string }
		e.Problem = replay.Problem{Detail: replay.Shorten(string(resp.Body))}
		if json.Unmarshal(resp.Body, &gateway) == nil && gateway.Message != "" {
			e.Problem.Detail = gateway.Message
		}
	}
	if e.Problem.RequestID == "" {
		e.Problem.RequestID = resp.Header.Get("X-Amzn-Requestid")
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		e.Skew = c.cfg.Now().Sub(date)
	}
	return e
}
