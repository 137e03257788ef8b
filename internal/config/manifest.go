package config

// A manifest says where the parts of a deployed ingestion are. The construct writes it into an output of the
// stack, and replayctl reads it there.

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ManifestVersion is the version of the format. It goes up when a field changes its meaning; new fields leave it as it is.
const ManifestVersion = 1

// ManifestOutputID is the construct id of the output, below the ingestion's.
const ManifestOutputID = "Manifest"

// MaxManifestBytes is what an output may hold at most, once CloudFormation has filled in names. CloudFormation documents no
// limit for outputs; this is the one of parameters, into which outputs are handed on.
const MaxManifestBytes = 4_096

// Manifest says where the parts of one ingestion are. In the construct, texts may be tokens of CDK: names and ARNs
// have no characters that JSON would escape.
type Manifest struct {
	Version int    `json:"replayableIngestion"` // by this field the value is known
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
}

// ErrNotManifest means that a value is not a manifest.
var ErrNotManifest = errors.New("no manifest of an ingestion")

// Encode writes the value of the output.
func (i Manifest) Encode() string {
	i.Version = ManifestVersion
	b, err := json.Marshal(i)
	if err != nil { // texts and maps of texts
		panic(err)
	}
	return string(b)
}

// DecodeManifest reads the value of an output. It returns ErrNotManifest for values that are something else.
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
