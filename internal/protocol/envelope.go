package protocol

// An envelope is the input of an execution that replays an event.
//
// A live execution's input is the event itself. A replay's is an object with the reserved key "replayableIngestion",
// which says what is replayed and why, and the event beside it, or, when both together would be more than Step
// Functions takes, the key of the object that holds it.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/event/exact"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// EnvelopeVersion of the envelope format.
const EnvelopeVersion = 1

// EnvelopeHeader says what is replayed and why.
type EnvelopeHeader struct {
	V          int    `json:"v"`
	Mode       string `json:"mode"` // auto or api
	ReplayID   string `json:"replayId,omitempty"`
	ResourceID string `json:"resourceId"`
	VersionID  string `json:"versionId,omitempty"` // of a correction: none, Record writes it
	Attempt    int    `json:"attempt,omitempty"`   // of automatic replays, from 1
	Reason     string `json:"reason"`
	EventKey   string `json:"eventKey,omitempty"` // object of the event log bucket that holds the event

	CorrectionOf string `json:"correctionOf,omitempty"` // of a correction: id of the version that it corrects
}

// ErrEnvelopeTooLarge means that the event does not fit into the input beside the header.
var ErrEnvelopeTooLarge = errors.New("event does not fit into the execution input")

type body struct {
	Header EnvelopeHeader  `json:"replayableIngestion"`
	Event  json.RawMessage `json:"event,omitempty"`
}

// MaxInputBytes is the largest input that BuildEnvelope makes. The rest of Step Functions' limit is for what the Record
// state puts around the input: the execution's ARN, its name, its times.
const MaxInputBytes = replay.MaxExecutionInputBytes - 1024

// BuildEnvelope returns the execution input. It returns ErrEnvelopeTooLarge if header and event exceed MaxInputBytes.
// Then the caller stores the event, sets EventKey and calls it with a nil event.
func BuildEnvelope(h EnvelopeHeader, event []byte) ([]byte, error) {
	h.V = EnvelopeVersion
	input, err := exact.Encode(body{Header: h, Event: event}) // escaping would make the event larger than it is in the log
	if err != nil {
		return nil, fmt.Errorf("encode execution input: %w", err)
	}
	if len(input) > MaxInputBytes {
		return nil, fmt.Errorf("%w: %d bytes, the most is %d", ErrEnvelopeTooLarge, len(input), MaxInputBytes)
	}
	return input, nil
}

// IsReserved reports whether an input carries the reserved key, and so claims to be a replay.
func IsReserved(input []byte) bool {
	if !bytes.Contains(input, []byte(schema.EnvelopeKey)) && !bytes.ContainsRune(input, '\\') {
		return false // no such key, and no escape that could spell it
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(input, &keys) != nil {
		return false
	}
	_, found := keys[schema.EnvelopeKey]
	return found
}

// ParseEnvelope reads an input that Reserved found to be a replay's.
func ParseEnvelope(input []byte) (EnvelopeHeader, json.RawMessage, error) {
	var b body
	dec := json.NewDecoder(bytes.NewReader(input))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return EnvelopeHeader{}, nil, fmt.Errorf("malformed envelope: %w", err)
	}
	if b.Header.V != EnvelopeVersion {
		return EnvelopeHeader{}, nil, fmt.Errorf("envelope version %d is not known, this function knows %d", b.Header.V, EnvelopeVersion)
	}
	if (b.Header.EventKey == "") == (b.Event == nil) {
		return EnvelopeHeader{}, nil, errors.New("an envelope carries either an event or an eventKey")
	}
	return b.Header, b.Event, nil
}
