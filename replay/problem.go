package replay

import (
	"fmt"
	"strings"
)

// ProblemType is the media type of every error answer (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is an error answer as RFC 9457 defines it, with the request's id and, for a bad request, its faults.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	RequestID string  `json:"requestId,omitempty"`
	Errors    []Fault `json:"errors,omitempty"`
}

// Fault is one thing wrong with a request.
type Fault struct {
	Field  string `json:"field"`           // as a path, such as select.resourceIds[3]; "body" for the whole body
	Value  string `json:"value,omitempty"` // what was found, shortened to 100 bytes
	Detail string `json:"detail"`          // what is wrong and what to do
}

func (f Fault) String() string {
	if f.Value == "" {
		return f.Field + ": " + f.Detail
	}
	return fmt.Sprintf("%s: %s (got %s)", f.Field, f.Detail, f.Value)
}

// InvalidError names the faults of a request: 1 to MaxFaults.
type InvalidError struct {
	Faults []Fault
}

func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.String()
	}
	return "invalid replay request: " + strings.Join(texts, "; ")
}

const maxShown = 100

// Shorten cuts a value for an error message, on a character boundary.
func Shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}
