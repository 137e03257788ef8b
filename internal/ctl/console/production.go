package console

import "strings"

// IsProduction reports whether a stack's name has a part that says so, such as listings-prod and
// listings-production-eu.
func IsProduction(stack string) bool {
	for part := range strings.FieldsFuncSeq(strings.ToLower(stack), func(r rune) bool { return r == '-' || r == '_' }) {
		if strings.HasPrefix(part, "prod") && (!strings.HasPrefix(part, "produc") || strings.HasPrefix(part, "production")) {
			return true
		}
	}
	return false
}
