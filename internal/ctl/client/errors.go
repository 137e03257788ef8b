package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// RefusedError is an answer of the API, or of API Gateway in front of it, that is no success.
type RefusedError struct {
	Call    string // such as GET /replays
	Status  int
	Problem replay.Problem // its fields are empty where the answer was no problem
	Kind    string         // x-amzn-ErrorType: whom API Gateway blames, such as AccessDeniedException
	Skew    time.Duration  // of this machine's clock against the answer's Date; 0 if it has none
}

func (e *RefusedError) Error() string {
	text := e.Problem.Detail
	if text == "" {
		text = http.StatusText(e.Status)
	}
	return fmt.Sprintf("%s: %d: %s", e.Call, e.Status, text)
}

// UnreachableError means that no answer of the API came.
type UnreachableError struct {
	Call string
	URL  string
	Err  error
}

func (e *UnreachableError) Error() string { return fmt.Sprintf("%s at %s: %v", e.Call, e.URL, e.Err) }

func (e *UnreachableError) Unwrap() error { return e.Err }

// CredentialsError means that there are no credentials to sign with.
type CredentialsError struct{ Err error }

func (e *CredentialsError) Error() string { return fmt.Sprintf("find credentials: %v", e.Err) }

func (e *CredentialsError) Unwrap() error { return e.Err }

// Temporary reports whether sending the request again may help.
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

// NotFound reports whether the API knows no such replay, resource or version.
func NotFound(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

func (c *Client) refusal(r call, resp *http.Response, body []byte) error {
	e := &RefusedError{Call: r.String(), Status: resp.StatusCode, Kind: resp.Header.Get("X-Amzn-Errortype")}
	if err := json.Unmarshal(body, &e.Problem); err != nil || e.Problem.Title == "" {
		// Not this API's: a proxy's page, or API Gateway's own form {"message": ...}.
		var gateway struct{ Message string }
		e.Problem = replay.Problem{Detail: replay.Shorten(string(body))}
		if json.Unmarshal(body, &gateway) == nil && gateway.Message != "" {
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

// ErrExpired stands for credentials that were good once.
var ErrExpired = errors.New("the SSO session or the temporary credentials have expired")
