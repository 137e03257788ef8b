// Package sns publishes outputs to SNS, with the attributes that subscribers filter by.
package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
)

// API is the part of the SNS client that a topic uses.
type API interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Topic is one SNS topic.
type Topic struct {
	api API
	arn string
}

// New returns the topic with an ARN.
func New(api API, arn string) *Topic {
	return &Topic{api: api, arn: arn}
}

// maxMessageBytes is what SNS takes in one message, its attributes included.
const maxMessageBytes = 262_144

// Send publishes the output of the execution that a row is about. It returns errs.OutputTooLarge for one that SNS does
// not take.
func (t *Topic) Send(ctx context.Context, row domain.Execution, output string) error {
	attrs := attributes(row)
	size := len(output)
	for name, a := range attrs {
		size += len(name) + len(*a.DataType) + len(*a.StringValue)
	}
	if size > maxMessageBytes {
		return errs.New(errs.OutputTooLarge, "the workflow's output has %d bytes with its attributes, SNS takes %d: "+
			"let the workflow return less, and keep large parts in S3", size, maxMessageBytes)
	}
	msg := &sns.PublishInput{TopicArn: &t.arn, Message: &output, MessageAttributes: attrs}
	if strings.HasSuffix(t.arn, ".fifo") {
		sum := sha256.Sum256([]byte(row.ResourceID)) // a group id has at most 128 characters
		msg.MessageGroupId = aws.String(hex.EncodeToString(sum[:]))
		msg.MessageDeduplicationId = aws.String(deduplicationID(row.Name))
	}
	if _, err := t.api.Publish(ctx, msg); err != nil {
		return fmt.Errorf("publish output: %w", err)
	}
	return nil
}

// deduplicationID is the execution's name, or its hash where SNS would refuse the name: names may have letters that are
// not ASCII, deduplication ids may not.
func deduplicationID(execution string) string {
	for _, r := range execution {
		if r > unicode.MaxASCII {
			sum := sha256.Sum256([]byte(execution))
			return hex.EncodeToString(sum[:])
		}
	}
	return execution
}

// attributes are what subscribers filter by. Raw delivery to SQS takes at most ten.
func attributes(row domain.Execution) map[string]types.MessageAttributeValue {
	attrs := map[string]types.MessageAttributeValue{}
	set := func(name, value string) {
		if value != "" {
			attrs[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	set("resourceId", row.ResourceID)
	set("ownerId", row.OwnerID)
	set("versionId", row.VersionID)
	set("recordedAt", row.RecordedAt.String())
	set("execution", row.Name)
	if row.Source != "" { // published again: the execution whose output it is
		set("execution", row.Source)
	}
	set("isReplay", strconv.FormatBool(row.Mode != domain.Live))
	if row.Mode != domain.Live {
		set("replayId", row.ReplayID)
		set("reason", row.Reason)
		set("target", row.Target)
		set("correctionOf", row.Corrects)
		if row.Attempt > 0 {
			set("attempt", strconv.Itoa(row.Attempt))
		}
	}
	return attrs
}
