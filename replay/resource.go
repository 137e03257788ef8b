package replay

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// ErrResourceID is wrapped by every error of EventKey.
var ErrResourceID = errors.New("unusable resource id")

// EventKey returns the object key under which the event log keeps a resource: "events/" and the id, percent-encoded
// as RFC 3986 does (every byte but unreserved characters). An id that consists of dots only is encoded as well,
// because "." and ".." are not safe as path segments (S3 User Guide, "Naming Amazon S3 objects").
//
// It returns ErrResourceID for an id that is empty, is not valid UTF-8, has a control character, or whose key would
// be longer than MaxKeyBytes.
func EventKey(resourceID string) (string, error) {
	if err := checkID(resourceID); err != nil {
		return "", fmt.Errorf("%w: %w", ErrResourceID, err)
	}
	encoded := PercentEncode(resourceID)
	if strings.Trim(resourceID, ".") == "" {
		encoded = strings.ReplaceAll(resourceID, ".", "%2E")
	}
	key := schema.EventsPrefix + encoded
	if len(key) > MaxKeyBytes {
		return "", fmt.Errorf("%w: its object key is %d bytes, the most is %d", ErrResourceID, len(key), MaxKeyBytes)
	}
	return key, nil
}

func checkID(id string) error {
	if id == "" {
		return errors.New("it is empty")
	}
	if !utf8.ValidString(id) || strings.ContainsAny(id, "\uFFFD\uFFFE\uFFFF") {
		return errors.New("it is not valid Unicode")
	}
	for i, r := range id {
		if unicode.IsControl(r) {
			return fmt.Errorf("it has the control character %U at byte %d", r, i)
		}
	}
	return nil
}

const hexDigits = "0123456789ABCDEF"

// PercentEncode encodes every byte of s but the unreserved characters of RFC 3986 (letters, digits, "-", ".", "_" and
// "~") as %XX. net/url's PathUnescape reverses it.
func PercentEncode(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		c := s[i]
		if unreserved(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// CheckOwnerID reports what makes an owner id unusable: the same faults as of a resource id, with MaxOwnerBytes.
func CheckOwnerID(ownerID string) error {
	if err := checkID(ownerID); err != nil {
		return fmt.Errorf("unusable owner id: %w", err)
	}
	if n := len(PercentEncode(ownerID)); n > MaxOwnerBytes {
		return fmt.Errorf("unusable owner id: it is %d bytes percent-encoded, the most is %d", n, MaxOwnerBytes)
	}
	return nil
}
