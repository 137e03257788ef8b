package sqs

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// AttributesAPI is the part of the SQS client that a depth is read with.
type AttributesAPI interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// Depth tells how many messages a queue has.
type Depth struct {
	api AttributesAPI
	url string
}

// NewDepth returns the depth of the queue with a URL.
func NewDepth(api AttributesAPI, url string) *Depth { return &Depth{api: api, url: url} }

// Waiting returns about how many messages are in the queue, also those that a consumer has received and not deleted.
func (d *Depth) Waiting(ctx context.Context) (n int, err error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
	out, err := d.api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &d.url, AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("read depth of queue: %w", err)
	}
	for _, name := range names {
		of, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("read depth of queue: %s: %w", name, err)
		}
		n += of
	}
	return n, nil
}
