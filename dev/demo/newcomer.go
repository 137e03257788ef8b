package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const priceMap = "price-map"

// newcomersPolicy lets live events through, automatic replays, which have an attempt, and the replays that are for this
// service.
const newcomersPolicy = `{"$or": [{"isReplay": ["false"]}, {"attempt": [{"exists": true}]}, {"target": ["` + priceMap + `"]}]}`

// join subscribes a service that is new, and plans what it is to get.
func (d *demo) join(ctx context.Context) error {
	d.chapter("6. A new service joins, and wants what it has missed")
	if err := d.subscribe(ctx); err != nil {
		return err
	}
	d.say("The price map takes live events, automatic replays, and what is meant for it. Its filter policy:\n     %s", newcomersPolicy)
	return d.plan(ctx, d.forNewcomer()...)
}

// backfill sends the newcomer the outputs that are stored: no workflow runs.
func (d *demo) backfill(ctx context.Context) error {
	d.chapter("8. The new service gets what it has missed")
	before, err := d.Executions(ctx)
	if err != nil {
		return err
	}
	counts, err := d.replay(ctx, "", d.forNewcomer()...)
	if err != nil {
		return err
	}
	after, err := d.Executions(ctx)
	if err != nil {
		return err
	}
	n := 0
	err = until(ctx, 30*time.Second, "the outputs to arrive", func(ctx context.Context) (bool, error) {
		n, err = d.Queued(ctx, d.priceMapURL)
		return n >= counts.Succeeded, err
	})
	d.say("Its queue has %d messages. %d executions were started for them.", n, len(after)-len(before))
	return err
}

func (d *demo) forNewcomer() []string {
	return []string{"republish", "--owner", d.agency(1), "--target", priceMap, "--reason", "the price map is new"}
}

// subscribe creates the newcomer's queue, as its own stack would.
func (d *demo) subscribe(ctx context.Context) error {
	queue, err := d.Queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(priceMap)})
	if err != nil {
		return fmt.Errorf("create queue of the newcomer: %w", err)
	}
	d.priceMapURL = *queue.QueueUrl
	got, err := d.Queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return fmt.Errorf("look at queue of the newcomer: %w", err)
	}
	arn := got.Attributes["QueueArn"]
	policy, err := json.Marshal(object{"Version": "2012-10-17", "Statement": object{
		"Effect": "Allow", "Principal": object{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
		"Condition": object{"ArnEquals": object{"aws:SourceArn": d.TopicARN}},
	}})
	if err != nil {
		return fmt.Errorf("encode queue policy: %w", err)
	}
	if _, err := d.Queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, Attributes: map[string]string{"Policy": string(policy)},
	}); err != nil {
		return fmt.Errorf("let the topic send to the newcomer: %w", err)
	}
	if _, err := d.topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &d.TopicARN, Protocol: aws.String("sqs"), Endpoint: &arn,
		Attributes: map[string]string{"RawMessageDelivery": "true", "FilterPolicy": newcomersPolicy},
	}); err != nil {
		return fmt.Errorf("subscribe the newcomer: %w", err)
	}
	return nil
}
