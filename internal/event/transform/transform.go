// Package transform applies the transform of a replay to an event, and shows what it changes.
package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/wI2L/jsondiff"

	"github.com/ce873799/replayable-ingestion/internal/event/exact"
	"github.com/ce873799/replayable-ingestion/internal/event/jsonata"
	"github.com/ce873799/replayable-ingestion/replay"
)

// ErrTransform is wrapped by every error about a transform that cannot be read or applied. After any other error, a
// retry may succeed.
var ErrTransform = errors.New("transform")

// ErrDiffTooLarge means that a transform changes more than a plan shows.
var ErrDiffTooLarge = errors.New("diff is too large to show")

// Subject says what is known of the event to which a transform is applied.
type Subject struct {
	ReplayID   string
	ResourceID string // empty, like what follows, if the event was never recorded
	VersionID  string
	OwnerID    string // empty if it has no owner
	DryRun     bool
}

// Transform is a transform that is ready to be applied.
type Transform struct {
	apply func(ctx context.Context, event []byte, of Subject) ([]byte, error)
	calls bool
}

// New reads a transform. It returns nil for nil. Functions are for a transform that calls a function; nil: there are
// none.
func New(ctx context.Context, t *replay.Transform, functions Functions) (*Transform, error) {
	switch {
	case t == nil:
		return nil, nil
	case t.MergePatch != nil:
		return &Transform{apply: func(_ context.Context, event []byte, _ Subject) ([]byte, error) {
			return jsonpatch.MergePatch(event, t.MergePatch)
		}}, nil
	case t.JSONata != "":
		if err := jsonata.Check(ctx, t.JSONata); err != nil {
			return nil, expressionError(err)
		}
		return &Transform{apply: evaluation(t.JSONata)}, nil
	case t.Function != "":
		return &Transform{apply: calling(t, functions), calls: true}, nil
	}
	patch, err := jsonpatch.DecodePatch(t.JSONPatch)
	if err != nil {
		return nil, fmt.Errorf("%w: jsonPatch cannot be read: %w", ErrTransform, err)
	}
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = 2 * replay.MaxEventBytes // copies of copies would grow without bound
	options.SupportNegativeIndices = false                      // RFC 6901 does not have them
	options.EscapeHTML = false
	return &Transform{apply: func(_ context.Context, event []byte, _ Subject) ([]byte, error) {
		return patch.ApplyWithOptions(event, options)
	}}, nil
}

// Calls reports whether the transform calls a function, which may return another event each time.
func (t *Transform) Calls() bool { return t.calls }

// Apply returns the transformed event as compact JSON. Every number that the transform does not change keeps its
// digits, unless a function of the user changes them.
func (t *Transform) Apply(ctx context.Context, event []byte, of Subject) (made []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // a library did not expect this event or transform
			made, err = nil, fmt.Errorf("%w: %v", ErrTransform, r)
		}
	}()
	if trimmed := bytes.TrimSpace(event); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, fmt.Errorf("%w: the event is not a JSON object", ErrTransform)
	}
	if made, err = t.apply(ctx, event, of); err != nil {
		if _, passes := errors.AsType[*passing](err); passes {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrTransform, err)
	}
	var buf bytes.Buffer
	if err := json.Compact(&buf, made); err != nil {
		return nil, fmt.Errorf("%w: the result is not JSON: %w", ErrTransform, err)
	}
	return unescape(buf.Bytes()), nil
}

// htmlEscapes are escapes that the library writes for characters that need none in JSON. They would make an event
// larger.
var htmlEscapes = map[string]byte{`003c`: '<', `003e`: '>', `0026`: '&'}

// unescape replaces htmlEscapes by their characters. In JSON, a backslash occurs in strings only.
func unescape(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for i := 0; i < len(doc); i++ {
		if doc[i] != '\\' {
			out = append(out, doc[i])
			continue
		}
		if i+5 < len(doc) && doc[i+1] == 'u' {
			if c, known := htmlEscapes[string(bytes.ToLower(doc[i+2:i+6]))]; known {
				out = append(out, c)
				i += 5
				continue
			}
		}
		out = append(out, doc[i], doc[i+1]) // the escaped character may be a backslash
		i++
	}
	return out
}

const (
	maxDiffOperations = 100
	maxDiffBytes      = 8_000
)

// Diff returns the RFC 6902 operations that turn one document into another. Before each change, a test operation has
// the old value. Numbers are compared as they are written. It returns ErrDiffTooLarge for more than 100 operations or
// 8,000 bytes.
func Diff(before, after []byte) (json.RawMessage, error) {
	from, err := exact.Decode(before)
	if err != nil {
		return nil, fmt.Errorf("decode document: %w", err)
	}
	to, err := exact.Decode(after)
	if err != nil {
		return nil, fmt.Errorf("decode document: %w", err)
	}
	patch, err := jsondiff.CompareWithoutMarshal(from, to, jsondiff.Invertible())
	if err != nil {
		return nil, fmt.Errorf("compare documents: %w", err)
	}
	if patch == nil {
		patch = jsondiff.Patch{}
	}
	if len(patch) > maxDiffOperations {
		return nil, ErrDiffTooLarge
	}
	diff, err := exact.Encode(patch)
	if err != nil {
		return nil, fmt.Errorf("encode diff: %w", err)
	}
	if len(diff) > maxDiffBytes {
		return nil, ErrDiffTooLarge
	}
	return diff, nil
}
