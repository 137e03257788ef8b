package factory

import "encoding/json"

// CauseText is what a person reads of a cause. Lambda's is a JSON object with the message in it, and a stack trace; it
// may be cut off, and then it is shown as it is.
func CauseText(cause string) string {
	var fault struct{ ErrorMessage string }
	if json.Unmarshal([]byte(cause), &fault) == nil && fault.ErrorMessage != "" {
		return fault.ErrorMessage
	}
	return cause
}
