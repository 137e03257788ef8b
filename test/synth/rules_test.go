package synth_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// statusRules are the construct's rules, and the queue to which each sends.
var statusRules = map[string]string{
	"IngestionFailureRule": "IngestionDeadLetterQueue", "IngestionFailureWithoutErrorRule": "IngestionDeadLetterQueue",
	"IngestionOutcomeRule": "IngestionOutcomesQueue", "IngestionOutcomeWithoutErrorRule": "IngestionOutcomesQueue",
}

func TestRulesSendPointers(t *testing.T) {
	tpl := minimal(t)
	if n := len(tpl.ofType("AWS::Events::Rule")); n != len(statusRules) {
		t.Errorf("got %d rules, want %d", n, len(statusRules))
	}
	for id, queue := range statusRules {
		rule := tpl.one(t, "AWS::Events::Rule", id)
		failure := ""
		if !strings.Contains(id, "WithoutError") {
			failure = `"error":<detail-error>,`
		}
		want(t, rule, map[string]string{
			"State":                                      "ENABLED",
			"EventPattern.source":                        "[aws.states]",
			"EventPattern.detail-type":                   "[Step Functions Execution Status Change]",
			"EventPattern.detail.stateMachineArn.0":      "${IngestionStateMachine}",
			"Targets.0.Arn":                              "${" + queue + ".Arn}",
			"Targets.0.DeadLetterConfig":                 "<nil>", // it would receive the whole event
			"Targets.0.RetryPolicy.MaximumRetryAttempts": "185",
			"Targets.0.InputTransformer.InputTemplate": `{` + failure + `"executionArn":<detail-executionArn>,` +
				`"kind":"status","name":<detail-name>,"redriveCount":<detail-redriveCount>,"startDate":<detail-startDate>,` +
				`"stateMachineArn":<detail-stateMachineArn>,"status":<detail-status>,"stopDate":<detail-stopDate>,"v":1}`,
		})
	}
}

// Whatever its status, its error and its machine are: an end is sent once to each queue that it belongs to, as a pointer
// that names only what the event has.
func TestEveryEndIsSentOnce(t *testing.T) {
	const ingestion, series, another = "${IngestionStateMachine}", "${IngestionSeriesMachine}", "arn:another"
	tpl := minimal(t)
	faults := map[string]func(detail map[string]any){
		"text":   func(d map[string]any) { d["error"] = "States.Timeout" },
		"empty":  func(d map[string]any) { d["error"] = "" },
		"null":   func(d map[string]any) { d["error"] = nil },
		"absent": func(map[string]any) {},
	}
	for _, machine := range []string{ingestion, series, another} {
		for _, status := range []string{"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"} {
			for kind, set := range faults {
				event := statusEvent(machine, status)
				set(event["detail"].(map[string]any))
				ended := slices.Contains([]string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}, status) && machine != another
				expected := map[string]int{}
				if ended {
					expected["IngestionOutcomesQueue"] = 1
				}
				if (status == "FAILED" || status == "TIMED_OUT") && machine == ingestion {
					expected["IngestionDeadLetterQueue"] = 1
				}
				got := map[string]int{}
				for id, queue := range statusRules {
					rule := tpl.one(t, "AWS::Events::Rule", id)
					if !matchesPattern(t, rule["EventPattern"], event, true) {
						continue
					}
					got[queue]++
					sent := fill(t, rule, event)
					if sent["error"] != nil && sent["error"] != event["detail"].(map[string]any)["error"] {
						t.Errorf("%s sends the error %v of %v", id, sent["error"], event)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(expected) {
					t.Errorf("%s of %s, error %s: sent to %v, want %v", status, machine, kind, got, expected)
				}
			}
		}
	}
}

// statusEvent is an event of the form that the Step Functions Developer Guide shows, without its error.
func statusEvent(machine, status string) map[string]any {
	return map[string]any{
		"source": "aws.states", "detail-type": "Step Functions Execution Status Change",
		"detail": map[string]any{
			"executionArn": "arn:execution", "stateMachineArn": machine, "name": "execution", "status": status,
			"startDate": 1551225271984.0, "stopDate": 1551225272984.0, "redriveCount": 0.0,
			"input": "{}", "inputDetails": map[string]any{"included": true}, "output": nil, "cause": nil, "redriveDate": nil,
		},
	}
}

// fill is the pointer that a rule makes of an event. A field that is null or absent fails the test.
func fill(t *testing.T, rule map[string]any, event map[string]any) (pointer map[string]any) {
	t.Helper()
	transformer := rule["Targets"].([]any)[0].(map[string]any)["InputTransformer"].(map[string]any)
	text := transformer["InputTemplate"].(string)
	for name, path := range transformer["InputPathsMap"].(map[string]any) {
		field, ok := strings.CutPrefix(path.(string), "$.detail.")
		value := event["detail"].(map[string]any)[field]
		if !ok || value == nil {
			t.Errorf("path %s is null or absent in %v", path, event)
		}
		if slices.Contains([]string{"input", "output", "cause"}, field) {
			t.Errorf("the execution's %s is sent", field)
		}
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "<"+name+">", string(b))
	}
	if err := json.Unmarshal([]byte(text), &pointer); err != nil {
		t.Errorf("%s is not JSON: %v", text, err)
	}
	return pointer
}

// matchesPattern evaluates an event pattern with the operators that the rules use. It fails the test at any other.
// It follows "Comparison operators for use in event patterns in Amazon EventBridge".
func matchesPattern(t *testing.T, pattern, value any, there bool) bool {
	t.Helper()
	switch p := pattern.(type) {
	case map[string]any:
		fields, _ := value.(map[string]any)
		for name, of := range p {
			if v, ok := fields[name]; !matchesPattern(t, of, v, ok) {
				return false
			}
		}
		return true
	case []any:
		return slices.ContainsFunc(p, func(condition any) bool { return matchesCondition(t, condition, value, there) })
	}
	t.Fatalf("a pattern of %T: %v", pattern, pattern)
	return false
}

func matchesCondition(t *testing.T, condition, value any, there bool) bool {
	t.Helper()
	operator, ok := condition.(map[string]any)
	if !ok || reference.MatchString(render(condition)) {
		return there && (condition == nil && value == nil || condition != nil && value == render(condition))
	}
	for name, operand := range operator {
		text, isText := value.(string)
		switch {
		case len(operator) != 1:
		case name == "exists":
			return there == operand.(bool)
		case name == "prefix":
			return isText && strings.HasPrefix(text, operand.(string))
		}
	}
	t.Fatalf("the test does not know the operator %v", condition)
	return false
}

// reference is how a reference to another resource prints.
var reference = regexp.MustCompile(`^\$\{.*\}$`)
