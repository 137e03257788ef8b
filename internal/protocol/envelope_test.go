package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

var header = EnvelopeHeader{Mode: "api", ReplayID: "01J", ResourceID: "listing 7", VersionID: "v1", Reason: "why <now> & here"}

func TestBuildAndParse(t *testing.T) {
	event := []byte(`{"id":12345678901234567890,"html":"<b>&</b>","price":1.10}`)
	input, err := BuildEnvelope(header, event)
	if err != nil {
		t.Fatal(err)
	}
	if !IsReserved(input) {
		t.Errorf("Reserved(%s) = false", input)
	}
	h, got, err := ParseEnvelope(input)
	if err != nil {
		t.Fatal(err)
	}
	want := header
	want.V = EnvelopeVersion
	if h != want || !bytes.Equal(got, event) {
		t.Errorf("got %+v and %s, want %+v and the same event %s", h, got, want, event)
	}
}

func TestBuildRefusesWhatDoesNotFit(t *testing.T) {
	empty, err := BuildEnvelope(header, []byte(`""`))
	if err != nil {
		t.Fatal(err)
	}
	room := MaxInputBytes - len(empty)
	fits := []byte(`"` + strings.Repeat("x", room) + `"`)
	if input, err := BuildEnvelope(header, fits); err != nil || len(input) != MaxInputBytes {
		t.Errorf("an input of exactly the limit: %d bytes, %v", len(input), err)
	}
	if _, err := BuildEnvelope(header, append(fits[:len(fits)-1], []byte(`x"`)...)); !errors.Is(err, ErrEnvelopeTooLarge) {
		t.Errorf("one byte more: got %v, want ErrEnvelopeTooLarge", err)
	}
}

func TestReserved(t *testing.T) {
	for input, want := range map[string]bool{
		`{"replayableIngestion":{}}`:               true,
		`{"replayableIngestion":null}`:             true,
		`{"\u0072eplayableIngestion":{}}`:          true,
		`{"listing":{"replayableIngestion":{}}}`:   false,
		`{"note":"replayableIngestion"}`:           false,
		`["replayableIngestion"]`:                  false,
		`{"id":"back\\slash"}`:                     false,
		`{"replayableIngestion":`:                  false,
		`{"id":"1","replayableIngestion":{"v":1}}`: true,
	} {
		if got := IsReserved([]byte(input)); got != want {
			t.Errorf("Reserved(%s) = %v, want %v", input, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, input := range map[string]string{
		"another version":    `{"replayableIngestion":{"v":2},"event":{}}`,
		"unknown fields":     `{"replayableIngestion":{"v":1},"event":{},"more":1}`,
		"neither":            `{"replayableIngestion":{"v":1}}`,
		"both":               `{"replayableIngestion":{"v":1,"eventKey":"derived/x"},"event":{}}`,
		"a header of a text": `{"replayableIngestion":"yes","event":{}}`,
	} {
		if _, _, err := ParseEnvelope([]byte(input)); err == nil {
			t.Errorf("%s: accepted %s", name, input)
		}
	}
}

func FuzzParse(f *testing.F) {
	good, err := BuildEnvelope(header, []byte(`{"id":1}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"replayableIngestion":{"v":1},"event":null}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		if !IsReserved(input) {
			return
		}
		if _, event, err := ParseEnvelope(input); err == nil && event != nil && !json.Valid(event) {
			t.Errorf("Parse(%s) returned an event that is not JSON: %s", input, event)
		}
	})
}
