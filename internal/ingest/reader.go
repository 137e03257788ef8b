package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/event/eventpath"
	"github.com/ce873799/replayable-ingestion/internal/event/exact"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Reader finds the resource id and the owner id of an event.
type Reader struct {
	resource     eventpath.Path
	resourcePath string
	owner        *eventpath.Path // nil: events have no owner
	ownerPath    string
	maxBytes     int
}

// IDs are what an event says of itself.
type IDs struct {
	ResourceID string
	OwnerID    string // empty: none
}

// AnySize is a limit that no event reaches.
const AnySize = math.MaxInt

// NewReader returns a Reader. An empty ownerPath means that events have no owner.
func NewReader(resourcePath, ownerPath string, maxBytes int) (Reader, error) {
	r := Reader{resourcePath: resourcePath, ownerPath: ownerPath, maxBytes: maxBytes}
	var faults []error
	var err error
	if r.resource, err = eventpath.Parse(resourcePath); err != nil {
		faults = append(faults, fmt.Errorf("resource id path: %w", err))
	}
	if ownerPath != "" {
		owner, err := eventpath.Parse(ownerPath)
		if err != nil {
			faults = append(faults, fmt.Errorf("owner id path: %w", err))
		}
		r.owner = &owner
	}
	return r, errors.Join(faults...)
}

// Read checks an event, given without white space between tokens, and returns its ids. It fails with EventTooLarge or
// InvalidEvent, naming the path and what was found there.
func (r Reader) Read(event []byte) (IDs, error) {
	if n := len(event); n > r.maxBytes {
		return IDs{}, errs.New(errs.EventTooLarge,
			"the event has %d bytes, the most is %d: keep large parts in S3 and send their keys", n, r.maxBytes)
	}
	doc, err := exact.Decode(event) // an id beyond 2^53 must keep every digit
	if err != nil {
		return IDs{}, errs.New(errs.InvalidEvent, "the event is not JSON: %w", err)
	}
	found, ok := r.resource.Find(doc)
	if !ok {
		return IDs{}, errs.New(errs.InvalidEvent, "the event has nothing at %s, where its resource id must be", r.resourcePath)
	}
	id, err := scalar(found)
	if err == nil {
		_, err = replay.EventKey(id)
	}
	if err != nil {
		return IDs{}, r.invalid(r.resourcePath, found, err)
	}
	owner, err := r.ownerOf(doc)
	return IDs{ResourceID: id, OwnerID: owner}, err
}

// ownerOf returns the owner. An event without one is fine; one with an unusable owner is not.
func (r Reader) ownerOf(doc any) (string, error) {
	if r.owner == nil {
		return "", nil
	}
	found, ok := r.owner.Find(doc)
	if !ok || found == nil {
		return "", nil
	}
	id, err := scalar(found)
	if err == nil {
		err = replay.CheckOwnerID(id)
	}
	if err != nil {
		return "", r.invalid(r.ownerPath, found, err)
	}
	return id, nil
}

func (r Reader) invalid(path string, found any, err error) error {
	return errs.New(errs.InvalidEvent, "the event has %s at %s: %w", describe(found), path, err)
}

// scalar accepts texts and whole numbers. A fraction has several spellings (1.10, 1.1, 11e-1), of which services on
// the way may choose any, so it cannot be an id.
func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "", errors.New("an id must be a string or a whole number: send it as a string")
		}
		return v.String(), nil
	default:
		return "", errors.New("an id must be a string or a whole number")
	}
}

const maxShown = 60

func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		if len(v) > maxShown {
			return fmt.Sprintf("a string of %d bytes starting %q", len(v), strings.ToValidUTF8(v[:maxShown], ""))
		}
		return fmt.Sprintf("the text %q", v)
	default:
		return fmt.Sprintf("the value %v", v)
	}
}
