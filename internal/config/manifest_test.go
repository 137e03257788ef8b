package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	want := Manifest{
		Version: ManifestVersion, Path: "a/B", Stack: "a", Region: "eu-west-1", APIURL: "https://x/v1/",
		Functions: map[string]string{"Record": "f"}, Rules: map[string]string{}, Alarms: map[string]string{"Unaccounted": "u"},
		Transforms: []string{"fix"},
	}
	got, err := DecodeManifest(want.Encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestOtherOutputsAreNoManifests(t *testing.T) {
	for _, value := range []string{"", "arn:aws:sns:us-east-1:1:t", `{"a":1}`, `[1]`} {
		if _, err := DecodeManifest(value); !errors.Is(err, ErrNotManifest) {
			t.Errorf("%s: got %v, want ErrNotManifest", value, err)
		}
	}
}

func TestManifestsThatCannotBeReadSayWhy(t *testing.T) {
	for value, want := range map[string]string{
		`{"replayableIngestion":2,"path":"a/B"}`: "manifest of a/B has version 2, this program reads version 1: update it",
		`{"replayableIngestion":1,"path":`:       "unexpected end of JSON",
	} {
		if _, err := DecodeManifest(value); err == nil || errors.Is(err, ErrNotManifest) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
	}
}
