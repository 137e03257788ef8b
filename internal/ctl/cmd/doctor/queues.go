package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (e *exam) queueChecks() []check {
	return []check{
		one("queue.DeadLetter", func(ctx context.Context, v *verdict) { e.queue(ctx, v, e.at.DeadLetterQueueURL, "", "Failure") }),
		one("queue.DeadLetter.age", e.deadLetterAge),
		one("queue.Outcomes", func(ctx context.Context, v *verdict) {
			e.queue(ctx, v, e.at.OutcomesQueueURL, e.at.DeadLetterQueueURL, "Outcome")
		}),
		one("queue.Replay", func(ctx context.Context, v *verdict) {
			e.queue(ctx, v, e.at.ReplayQueueURL, e.at.DeadLetterQueueURL, "")
		}),
	}
}

// retention is what every queue of the construct has, the longest that SQS has.
const retention = 14 * 24 * time.Hour

// queue looks at one, where its poison goes (nowhere if that is empty), and whether a rule may send to it.
func (e *exam) queue(ctx context.Context, v *verdict, url, deadLetters, rule string) {
	out, err := e.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		e.cannot(v, "queue "+url, "sqs:GetQueueAttributes", err)
		return
	}
	has := out.Attributes
	v.says("%s waiting, %s being worked on", orZero(has["ApproximateNumberOfMessages"]), orZero(has["ApproximateNumberOfMessagesNotVisible"]))
	set := func(attributes string) string {
		return fmt.Sprintf("`aws sqs set-queue-attributes --queue-url %s --attributes '%s'`", url, attributes)
	}
	if want := e.queueARN(deadLetters); deadLetters != "" {
		var redrive struct {
			Target   string      `json:"deadLetterTargetArn"`
			Receives json.Number `json:"maxReceiveCount"` // SQS returns it as it was set, also as a string
		}
		if json.Unmarshal([]byte(has["RedrivePolicy"]), &redrive) != nil || redrive.Target != want {
			v.fails("deploy the stack again, or "+set(fmt.Sprintf(`{"RedrivePolicy":"{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":100}"}`, want)),
				"its poison does not go to the dead-letter queue")
		} else {
			v.says("poison goes to the dead-letter queue after %s receives", redrive.Receives)
		}
	}
	if kept, err := strconv.Atoi(has["MessageRetentionPeriod"]); err == nil && time.Duration(kept)*time.Second < retention {
		v.warns(set(fmt.Sprintf(`{"MessageRetentionPeriod":"%d"}`, int(retention/time.Second))), "it forgets messages after %s", time.Duration(kept)*time.Second)
	}
	switch key := has["KmsMasterKeyId"]; {
	case key != "":
		v.says("encrypted with %s", key)
		e.usesKey(&key)
	case has["SqsManagedSseEnabled"] == "true":
		v.says("encrypted by SQS")
	default:
		v.fails(set(`{"SqsManagedSseEnabled":"true"}`), "it is not encrypted")
	}
	if rule != "" && !mayBeSentTo(has["Policy"]) {
		v.fails("restore its policy: deploy the stack again", "its policy does not let EventBridge send to it, so rule %s has no effect", e.at.Rules[rule])
	}
}

func orZero(n string) string {
	if n == "" {
		return "0"
	}
	return n
}

// mayBeSentTo reports whether a queue's policy lets EventBridge send.
func mayBeSentTo(policy string) bool {
	var p struct {
		Statement []struct {
			Effect    string
			Action    texts
			Principal json.RawMessage // may be the text *
		}
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return false
	}
	for _, s := range p.Statement {
		var who struct{ Service texts }
		if json.Unmarshal(s.Principal, &who) != nil {
			continue
		}
		if s.Effect == "Allow" && slices.Contains(who.Service, "events.amazonaws.com") &&
			slices.ContainsFunc(s.Action, func(a string) bool { return a == "sqs:SendMessage" || a == "sqs:*" }) {
			return true
		}
	}
	return false
}

// texts are one text or several, as policies have them.
type texts []string

// UnmarshalJSON reads both forms.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	var all []string
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("texts of a policy: %w", err)
	}
	*t = all
	return nil
}

// deadLetterAge tells whether auto-replay takes failures in: after three of its runs, none may be left.
func (e *exam) deadLetterAge(ctx context.Context, v *verdict) {
	const count = sqstypes.QueueAttributeNameApproximateNumberOfMessages
	out, err := e.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &e.at.DeadLetterQueueURL, AttributeNames: []sqstypes.QueueAttributeName{count},
	})
	if err != nil {
		e.cannot(v, "queue "+e.at.DeadLetterQueueURL, "sqs:GetQueueAttributes", err)
		return
	}
	if n := orZero(out.Attributes[string(count)]); n != "0" {
		v.says("%s failures wait to be taken in", n)
	} else {
		v.says("no failure waits to be taken in")
		return
	}
	limit := 3 * e.interval(ctx)
	seconds, seen, err := e.metric(ctx, queueMetric("ApproximateAgeOfOldestMessage", e.at.DeadLetterQueueURL), ageWindow, latest)
	if err != nil {
		e.cannot(v, "the age of the oldest", "cloudwatch:GetMetricStatistics", err)
		return
	}
	age := time.Duration(seconds) * time.Second
	switch {
	case !seen:
		v.add(Unknown, "look again in a few minutes", "CloudWatch does not know their age yet")
	case age > limit:
		v.fails("auto-replay does not take them in: look into the log of function "+e.at.Functions["AutoReplay"]+", and at schedule.enabled",
			"the oldest waits for %s, three runs of auto-replay are %s", age, shortly(limit))
	default:
		v.says("the oldest for %s", age)
	}
}

// ageWindow has a few points of a metric that SQS sends every minute, with some delay.
const ageWindow = 15 * time.Minute
