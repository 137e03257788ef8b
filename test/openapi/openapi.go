// Package openapi holds answers of the replay API against docs/openapi.yaml, wherever a test gets them from.
//
// It must not import package replay, whose own tests use it.
package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Document is the description of the API.
type Document struct {
	spec *openapi3.T
}

// Load reads docs/openapi.yaml and validates it, its examples included.
func Load() (*Document, error) {
	_, here, _, _ := runtime.Caller(0)
	spec, err := openapi3.NewLoader().LoadFromFile(filepath.Join(filepath.Dir(here), "..", "..", "docs", "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("load docs/openapi.yaml: %w", err)
	}
	if err := spec.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("docs/openapi.yaml: %w", err)
	}
	return &Document{spec: spec}, nil
}

// Spec is the document as it was read.
func (d *Document) Spec() *openapi3.T { return d.spec }

// Pair is a status that an operation answers.
type Pair struct {
	Operation string // its operationId
	Status    int
}

func (p Pair) String() string { return fmt.Sprintf("%s %d", p.Operation, p.Status) }

// Operation is a call of the API.
type Operation struct {
	Method, Path string // the path as a template
	*openapi3.Operation
}

// Operations lists every operation of the document.
func (d *Document) Operations() (all []Operation) {
	for path, item := range d.spec.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, Operation{method, path, op})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return all
}

// Pairs lists every documented answer.
func (d *Document) Pairs() (all []Pair) {
	for _, op := range d.Operations() {
		for code := range op.Responses.Map() {
			var status int
			if _, err := fmt.Sscanf(code, "%d", &status); err == nil {
				all = append(all, Pair{op.OperationID, status})
			}
		}
	}
	return all
}

// find returns the operation of a request's path, which begins after the stage.
func (d *Document) find(method, path string) (Operation, bool) {
	got := strings.Split(path, "/")
	for _, op := range d.Operations() {
		want := strings.Split(op.Path, "/")
		same := func(w, g string) int {
			if w == g || strings.HasPrefix(w, "{") && g != "" {
				return 0
			}
			return 1
		}
		if op.Method == method && slices.CompareFunc(want, got, same) == 0 {
			return op, true
		}
	}
	return Operation{}, false
}

// Answer is what the API said to a request.
type Answer struct {
	Method, Path string // the path begins after the stage
	Status       int
	Header       http.Header
	Body         []byte
}

// ErrUndocumented means that the document does not have such an answer.
var ErrUndocumented = errors.New("not documented")

// Check holds an answer against the document: its status, content type, headers and every field of its body. Fields
// that the document does not name are refused here, although clients are told to ignore them.
func (d *Document) Check(a Answer) (Pair, error) {
	op, found := d.find(a.Method, a.Path)
	if !found {
		return Pair{}, fmt.Errorf("%s %s: %w", a.Method, a.Path, ErrUndocumented)
	}
	pair := Pair{op.OperationID, a.Status}
	response := op.Responses.Status(a.Status)
	if response == nil {
		return pair, fmt.Errorf("%s: %w", pair, ErrUndocumented)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: &http.Request{Method: a.Method, URL: &url.URL{Path: a.Path}},
			Route:   &routers.Route{Spec: d.spec, Path: op.Path, Method: op.Method, Operation: op.Operation},
		},
		Status: a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		return pair, fmt.Errorf("%s: %w: %s", pair, err, a.Body)
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return pair, fmt.Errorf("%s: content type: %w", pair, err)
	}
	var body any
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return pair, fmt.Errorf("%s: %w: %s", pair, err, a.Body)
	}
	schema := response.Value.Content[kind].Schema
	if unnamed := unnamed([]*openapi3.SchemaRef{schema}, body, ""); len(unnamed) > 0 {
		return pair, fmt.Errorf("%s: fields %q are %w: %s", pair, unnamed, ErrUndocumented, a.Body)
	}
	return pair, nil
}

// Request holds a body of POST /replays against the document.
func (d *Document) Request(body []byte) error {
	return d.visit("ReplayRequest", body)
}

// Frozen holds a request as answers show it against the document.
func (d *Document) Frozen(body []byte) error {
	return d.visit("FrozenRequest", body)
}

// Correction checks the body of POST /versions.
func (d *Document) Correction(body []byte) error { return d.visit("CorrectionRequest", body) }

func (d *Document) visit(schema string, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("decode request: %w", err)
	}
	if err := d.spec.ValidateSchemaJSON(d.spec.Components.Schemas[schema].Value, v, openapi3.EnableJSONSchema2020()); err != nil {
		return fmt.Errorf("%s: %w", schema, err)
	}
	return nil
}
