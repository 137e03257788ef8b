package config

// A manifest says where the parts of a deployed ingestion are. The construct writes it into an output of the
// stack, and replayctl reads it there.

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ManifestVersion is the version of the format. It increases when a field changes its meaning. New fields do not change
// it.
const ManifestVersion = 1

// ManifestOutputID is the construct id of the output, below the ingestion's.
const ManifestOutputID = "Manifest"

// MaxManifestBytes is the maximum size of the output, after CloudFormation has filled in names. CloudFormation
// documents no limit for outputs. This is the limit of parameters, to which outputs may be passed.
const MaxManifestBytes = 4_096

// Manifest says where the parts of one ingestion are. In the construct, strings may be CDK tokens: names and ARNs have
// no characters that JSON would escape.
type Manifest struct {
	Version int    `json:"replayableIngestion"` // this field identifies a manifest
	Path    string `json:"path"`                // of the construct, such as listings-prod/Listings
	Stack   string `json:"stack"`
	Region  string `json:"region"`
	APIURL  string `json:"apiUrl"`

	StateMachineARN    string `json:"stateMachineArn"`
	SeriesMachineARN   string `json:"seriesMachineArn"`
	EventLogBucket     string `json:"eventLogBucket"`
	LedgerTable        string `json:"ledgerTable"`
	TopicARN           string `json:"topicArn"`
	DeadLetterQueueURL string `json:"deadLetterQueueUrl"`
	OutcomesQueueURL   string `json:"outcomesQueueUrl"`
	ReplayQueueURL     string `json:"replayQueueUrl"`

	Functions map[string]string `json:"functions"` // names by role, such as Record
	Schedule  string            `json:"schedule"`
	Rules     map[string]string `json:"rules"`  // names by construct id
	Alarms    map[string]string `json:"alarms"` // names by construct id

	Dashboard string `json:"dashboard,omitempty"`

	Transforms []string `json:"transforms,omitempty"` // names of the functions that replays may transform events with
}

// ErrNotManifest means that a value is not a manifest.
var ErrNotManifest = errors.New("no manifest of an ingestion")

// Encode writes the value of the output.
func (i Manifest) Encode() string {
	i.Version = ManifestVersion
	b, err := json.Marshal(i)
	if err != nil { // strings and maps of strings
		panic(err)
	}
	return string(b)
}

// DecodeManifest reads the value of an output. It returns ErrNotManifest for any other value.
func DecodeManifest(value string) (Manifest, error) {
	var i Manifest
	if !strings.HasPrefix(value, `{"replayableIngestion":`) {
		return i, ErrNotManifest
	}
	if err := json.Unmarshal([]byte(value), &i); err != nil {
		return Manifest{}, fmt.Errorf("manifest of an ingestion: %w", err)
	}
	if i.Version != ManifestVersion {
		return Manifest{}, fmt.Errorf("manifest of %s has version %d, this program reads version %d: update it", i.Path, i.Version, ManifestVersion)
	}
	return i, nil
}
