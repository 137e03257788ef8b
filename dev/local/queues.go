package local

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type queueProperties struct {
	RedrivePolicy *struct {
		DeadLetterTargetArn json.RawMessage `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.Number     `json:"maxReceiveCount"`
	}
}

// applyRedrive sets the redrive policies of the template's queues: the emulator's CloudFormation drops them. Without
// them, a message that always fails would come back for ever.
func applyRedrive(ctx context.Context, cfg aws.Config, d *deployed) error {
	client := sqs.NewFromConfig(cfg)
	for _, q := range d.ofType("AWS::SQS::Queue") {
		var p queueProperties
		if err := q.properties(&p); err != nil {
			return err
		}
		if p.RedrivePolicy == nil {
			continue
		}
		target, err := queueARN(ctx, client, d, q.stack, p.RedrivePolicy.DeadLetterTargetArn)
		if err != nil {
			return fmt.Errorf("redrive policy of %s: %w", q.logicalID, err)
		}
		policy, err := json.Marshal(map[string]any{
			"deadLetterTargetArn": target, "maxReceiveCount": p.RedrivePolicy.MaxReceiveCount,
		})
		if err != nil {
			return err
		}
		_, err = client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl:   &q.physicalID,
			Attributes: map[string]string{string(types.QueueAttributeNameRedrivePolicy): string(policy)},
		})
		if err != nil {
			return fmt.Errorf("set the redrive policy of %s: %w", q.logicalID, err)
		}
	}
	return nil
}

// queueARN resolves a queue's ARN in a template: the ARN itself, or Fn::GetAtt of a queue.
func queueARN(ctx context.Context, client *sqs.Client, d *deployed, stack string, value json.RawMessage) (string, error) {
	var arn string
	if json.Unmarshal(value, &arn) == nil {
		return arn, nil
	}
	var ref struct {
		GetAtt []string `json:"Fn::GetAtt"`
	}
	if err := json.Unmarshal(value, &ref); err != nil || strings.Join(ref.GetAtt[min(1, len(ref.GetAtt)):], "") != "Arn" {
		return "", fmt.Errorf("cannot resolve %s", value)
	}
	for _, q := range d.ofType("AWS::SQS::Queue") {
		if q.stack != stack || q.logicalID != ref.GetAtt[0] {
			continue
		}
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &q.physicalID, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
		})
		if err != nil {
			return "", err
		}
		return out.Attributes[string(types.QueueAttributeNameQueueArn)], nil
	}
	return "", fmt.Errorf("no queue %s in the stack", ref.GetAtt[0])
}
