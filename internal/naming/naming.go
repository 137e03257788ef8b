// Package naming makes execution names. They are deterministic, so that a redelivered message starts nothing twice,
// and use at most 80 characters of 0-9, A-Z, a-z, "-" and "_", as Step Functions asks for.
package naming

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
)

// API names the execution of an item of a replay. The ordinal counts the versions of one resource in a series, from 0.
func API(replayID, resourceID string, ordinal int) string {
	return APIPrefix + digest(replayID, resourceID, fmt.Sprint(ordinal))
}

// Auto names an automatic replay: root is the execution that failed first, attempt counts from 1.
func Auto(root string, attempt int) string {
	return AutoPrefix + digest(root, fmt.Sprint(attempt))
}

// digest hashes parts such that no two lists of parts are hashed alike.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash never fails
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)))
}
