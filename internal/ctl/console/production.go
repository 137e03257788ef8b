package console

import "strings"

// IsProduction reports whether a part of a stack's name says that it is a production stage, as in listings-prod or
// listings-production-eu.
func IsProduction(stack string) bool {
	for part := range strings.FieldsFuncSeq(strings.ToLower(stack), func(r rune) bool { return r == '-' || r == '_' }) {
		if strings.HasPrefix(part, "prod") && (!strings.HasPrefix(part, "produc") || strings.HasPrefix(part, "production")) {
			return true
		}
	}
	return false
}
