package domain

// Execution names are deterministic, so that a redelivered message starts nothing twice,
// and use at most 80 characters of 0-9, A-Z, a-z, "-" and "_", as Step Functions asks for.

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// Prefixes of execution names.
const (
	APIPrefix  = "rp-"
	AutoPrefix = "ar-"

	SeriesPrefix = "rs-" // of the Series state machine
)

// IsReplayName reports whether a name is that of a replay's execution.
func IsReplayName(name string) bool {
	return strings.HasPrefix(name, APIPrefix) || strings.HasPrefix(name, AutoPrefix)
}

// APIName names the execution of an item of a replay. The index is that of the version in a series, from 0.
func APIName(replayID, resourceID string, index int) string {
	return APIPrefix + digest(replayID, resourceID, fmt.Sprint(index))
}

// FailedName names the execution of an item that replays a failed version. A resource may have several of them in one
// replay.
func FailedName(replayID, resourceID, versionID string) string {
	return APIPrefix + digest(replayID, resourceID, "failed", versionID)
}

// SeriesName names the execution of the Series state machine for one resource of a replay, by the resource's position.
func SeriesName(replayID string, page, ordinal int) string {
	return SeriesPrefix + digest(replayID, fmt.Sprint(page), fmt.Sprint(ordinal))
}

// SeriesRun names the execution that runs a series: for the first time if run is 0, else after that many pauses.
func SeriesRun(series string, run int) string {
	if run == 0 {
		return series
	}
	return fmt.Sprintf("%s-%d", series, run)
}

// SeriesOf returns the name of the series that an execution of the Series state machine runs.
func SeriesOf(execution string) string {
	hash, ours := strings.CutPrefix(execution, SeriesPrefix)
	if !ours {
		return execution
	}
	hash, _, _ = strings.Cut(hash, "-")
	return SeriesPrefix + hash
}

// AutoName names an automatic replay: root is the execution that failed first, attempt counts from 1.
func AutoName(root string, attempt int) string {
	return AutoPrefix + digest(root, fmt.Sprint(attempt))
}

// RedriveToken is the client token with which a replay redrives an execution. It is the same for each delivery.
func RedriveToken(replayID, execution string, run int) string {
	return digest(replayID, execution, "redrive", fmt.Sprint(run))
}

// digest hashes a list of strings. Each is hashed with its length, so that other lists have other digests.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash never fails
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)))
}
