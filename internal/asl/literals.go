package asl

import "slices"

// literals are the fields that take a number, or true and false. In YAML, where strings need no quotes, a placeholder
// without quotes stands for such a value in them, and for a string elsewhere.
var literals = []string{
	"Seconds", "TimeoutSeconds", "HeartbeatSeconds", "End", "MaxConcurrency", "ToleratedFailureCount",
	"ToleratedFailurePercentage", "IntervalSeconds", "MaxAttempts", "MaxDelaySeconds", "BackoffRate", "MaxItemsPerBatch",
	"MaxInputBytesPerBatch", "MaxItems",
}

// data are the fields that hold what the workflow's author likes.
var data = []string{
	"Parameters", "Arguments", "ResultSelector", "ItemSelector", "Assign", "Credentials", "BatchInput", "Result", "Output", "Items",
}

// isLiteral reports whether a path leads to a field of the language that is not a string.
func isLiteral(path []string) bool {
	if len(path) == 0 {
		return false
	}
	last := len(path) - 1
	for i := 0; i < last; i++ {
		if path[i] == "States" {
			i++ // the name of a state
		} else if slices.Contains(data, path[i]) {
			return false
		}
	}
	operator, isComparison := comparisons[path[last]]
	return slices.Contains(literals, path[last]) || isComparison && operator.literal
}
