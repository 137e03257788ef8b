// Package publish is the last state of every workflow: it sends the output to SNS and marks the event done.
package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/fault"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

// topicAPI is the part of the SNS client that Publish uses.
type topicAPI interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

type store interface {
	PutObject(ctx context.Context, key string, document []byte) error
}

type book interface {
	Execution(ctx context.Context, name string) (ledger.Execution, error)
	MarkPublished(ctx context.Context, e ledger.Execution, p ledger.Published) (ledger.Execution, error)
}

// judge tells whether a newer version was published already.
type judge interface {
	Published(ctx context.Context, resourceID, versionID string) (eventlog.Version, bool, error)
}

// Options configures a Publisher.
type Options struct {
	TopicARN       string
	StoreOutputs   bool
	SupersedeOlder bool
}

// Publisher handles the Publish state.
type Publisher struct {
	topic  topicAPI
	store  store
	book   book
	judge  judge
	opts   Options
	logger *slog.Logger
	now    func() time.Time
}

// New returns a Publisher. A nil logger discards.
func New(topic topicAPI, store store, book book, judge judge, opts Options, logger *slog.Logger) *Publisher {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Publisher{topic: topic, store: store, book: book, judge: judge, opts: opts, logger: logger, now: time.Now}
}

// Handle publishes the output of an execution. A repeated attempt publishes nothing again once the ledger says that
// it was published. Its errors carry the names of package fault.
func (p *Publisher) Handle(ctx context.Context, in workflow.PublishInput) error {
	done, row, err := p.publish(ctx, in)
	if err != nil {
		p.logger.ErrorContext(ctx, "output not published", "execution", in.Execution.Name, "error", err)
		return fault.Name(err)
	}
	p.logger.InfoContext(ctx, done, "execution", row.Name, "resourceId", row.ResourceID, "versionId", row.VersionID)
	return nil
}

func (p *Publisher) publish(ctx context.Context, in workflow.PublishInput) (done string, row ledger.Execution, err error) {
	if row, err = p.book.Execution(ctx, in.Execution.Name); err != nil {
		return "", row, err
	}
	if !row.PublishedAt.IsZero() || row.Superseded {
		return "output published before", row, nil
	}
	mark := ledger.Published{Name: row.Name}
	if mark.Superseded, err = p.superseded(ctx, row); err != nil {
		return "", row, err
	}
	if p.opts.StoreOutputs {
		mark.OutputKey = eventlog.OutputKey(row.Name)
		if err = p.store.PutObject(ctx, mark.OutputKey, in.Output); err != nil {
			return "", row, err
		}
	}
	done = "output superseded"
	if !mark.Superseded {
		done = "output published"
		if err = p.send(ctx, row, string(in.Output)); err != nil {
			return "", row, err
		}
		mark.At = p.now()
	}
	_, err = p.book.MarkPublished(ctx, row, mark)
	return done, row, err
}

// superseded reports whether an automatic replay comes too late. A replay that a person asked for never does.
func (p *Publisher) superseded(ctx context.Context, row ledger.Execution) (bool, error) {
	automatic := row.Mode == ledger.Auto || row.Mode == ledger.Restart
	if !automatic || !p.opts.SupersedeOlder {
		return false, nil
	}
	_, newer, err := p.judge.Published(ctx, row.ResourceID, row.VersionID)
	return newer, err
}

// maxMessageBytes is what SNS takes in one message, its attributes included.
const maxMessageBytes = 262_144

func (p *Publisher) send(ctx context.Context, row ledger.Execution, output string) error {
	attrs := attributes(row)
	size := len(output)
	for name, a := range attrs {
		size += len(name) + len(*a.DataType) + len(*a.StringValue)
	}
	if size > maxMessageBytes {
		return fault.New(fault.OutputTooLarge, "the workflow's output has %d bytes with its attributes, SNS takes %d: "+
			"let the workflow return less, and keep large parts in S3", size, maxMessageBytes)
	}
	msg := &sns.PublishInput{TopicArn: &p.opts.TopicARN, Message: &output, MessageAttributes: attrs}
	if strings.HasSuffix(p.opts.TopicARN, ".fifo") {
		sum := sha256.Sum256([]byte(row.ResourceID)) // a group id has at most 128 characters
		msg.MessageGroupId = aws.String(hex.EncodeToString(sum[:]))
		msg.MessageDeduplicationId = aws.String(deduplicationID(row.Name))
	}
	if _, err := p.topic.Publish(ctx, msg); err != nil {
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
func attributes(row ledger.Execution) map[string]types.MessageAttributeValue {
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
	set("isReplay", strconv.FormatBool(row.Mode != ledger.Live))
	if row.Mode != ledger.Live {
		set("replayId", row.ReplayID)
		set("reason", row.Reason)
		if row.Attempt > 0 {
			set("attempt", strconv.Itoa(row.Attempt))
		}
	}
	return attrs
}
