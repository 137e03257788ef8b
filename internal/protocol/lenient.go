package protocol

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// How EventBridge renders a field in an input template that is null or absent in the event is not documented: nothing,
// null, an empty text, or the placeholder itself are all possible, and most of them are not JSON. What the other fields
// say counts all the same.
var (
	statusField = regexp.MustCompile(`"(executionArn|name|stateMachineArn|status|error)"\s*:\s*"((?:[^"\\]|\\.)*)"`)
	numberField = regexp.MustCompile(`"(v|startDate|stopDate|redriveCount)"\s*:\s*"?(\d+)"?`)
	kindField   = regexp.MustCompile(`"kind"\s*:\s*"` + KindStatus + `"`)
)

// lenientStatus reads a status message that is not JSON, as far as it goes.
func lenientStatus(b string) (m StatusMessage, ok bool) {
	if !kindField.MatchString(b) {
		return m, false
	}
	m.Kind = KindStatus
	texts := map[string]*string{
		"executionArn": &m.ExecutionARN, "name": &m.Name, "stateMachineArn": &m.StateMachineARN, "status": &m.Status,
		"error": &m.Error,
	}
	for _, found := range statusField.FindAllStringSubmatch(b, -1) {
		if text, err := strconv.Unquote(`"` + found[2] + `"`); err == nil && *texts[found[1]] == "" {
			*texts[found[1]] = text
		}
	}
	for _, found := range numberField.FindAllStringSubmatch(b, -1) {
		n, err := strconv.ParseInt(found[2], 10, 64)
		if err != nil {
			return m, false
		}
		switch found[1] {
		case "v":
			m.V = int(n)
		case "startDate":
			m.StartDate = Millis{time.UnixMilli(n).UTC()}
		case "stopDate":
			m.StopDate = Millis{time.UnixMilli(n).UTC()}
		default:
			m.RedriveCount = Count(n)
		}
	}
	m.Error = withoutPlaceholder(m.Error)
	return m, m.Status != ""
}

// placeholder is a variable of an input template that nothing was put in for.
var placeholder = regexp.MustCompile(`^<[\w.$-]*>$`)

func withoutPlaceholder(text string) string {
	if text == "null" || placeholder.MatchString(strings.TrimSpace(text)) {
		return ""
	}
	return text
}
