package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// maxData is the maximum escaped size of input and output together in a status event. Larger data is left out.
const maxData = 248 * 1024

// detail is the documented detail of a "Step Functions Execution Status Change". AWS sets a missing error or cause to
// null.
type detail struct {
	ExecutionARN           string  `json:"executionArn"`
	StateMachineARN        string  `json:"stateMachineArn"`
	StateMachineVersionARN *string `json:"stateMachineVersionArn"`
	StateMachineAliasARN   *string `json:"stateMachineAliasArn"`
	Name                   string  `json:"name"`
	Status                 string  `json:"status"`
	StartDate              int64   `json:"startDate"` // milliseconds since the epoch
	StopDate               int64   `json:"stopDate"`
	Input                  *string `json:"input"`
	InputDetails           *data   `json:"inputDetails"`
	Output                 *string `json:"output"`
	OutputDetails          *data   `json:"outputDetails"`
	Error                  *string `json:"error"`
	Cause                  *string `json:"cause"`
	RedriveCount           int32   `json:"redriveCount"`
	RedriveDate            *int64  `json:"redriveDate"`
	RedriveStatus          string  `json:"redriveStatus"`
	RedriveStatusReason    *string `json:"redriveStatusReason"`
}

// data says whether the event includes its input or output.
type data struct {
	Included bool `json:"included"`
}

// entry returns the event of an execution that ended.
func (b *Bridge) entry(ctx context.Context, e end) (eventtypes.PutEventsRequestEntry, error) {
	x, err := b.config.StepFunctions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &e.arn})
	if err != nil {
		return eventtypes.PutEventsRequestEntry{}, fmt.Errorf("describe %s: %w", e.arn, err)
	}
	if x.Status == types.ExecutionStatusRunning {
		return eventtypes.PutEventsRequestEntry{}, errRedriven
	}
	d := describe(x)
	body, err := json.Marshal(d)
	if err != nil {
		return eventtypes.PutEventsRequestEntry{}, err
	}
	return eventtypes.PutEventsRequestEntry{
		Source:     aws.String("aws.states"),
		DetailType: aws.String("Step Functions Execution Status Change"),
		Detail:     aws.String(string(body)),
		Resources:  []string{e.arn},
		Time:       x.StopDate,
	}, nil
}

func describe(x *sfn.DescribeExecutionOutput) detail {
	d := detail{
		ExecutionARN:    aws.ToString(x.ExecutionArn),
		StateMachineARN: aws.ToString(x.StateMachineArn),
		Name:            aws.ToString(x.Name),
		Status:          string(x.Status),
		StartDate:       millis(x.StartDate),
		StopDate:        millis(x.StopDate),
		Input:           x.Input,
		InputDetails:    &data{Included: x.Input != nil},
		Output:          x.Output,
		Error:           x.Error,
		Cause:           x.Cause,
		RedriveCount:    aws.ToInt32(x.RedriveCount),
		RedriveStatus:   "NOT_REDRIVABLE",
	}
	if x.Output != nil {
		d.OutputDetails = &data{Included: true}
	}
	// The input goes first, then the output, as documented.
	out := escaped(d.Output)
	if escaped(d.Input)+out > maxData {
		d.Input, d.InputDetails = nil, &data{}
	}
	if out > maxData {
		d.Output, d.OutputDetails = nil, &data{}
	}
	return d
}

// escaped is the size of a string in JSON.
func escaped(s *string) int {
	if s == nil {
		return 0
	}
	b, err := json.Marshal(*s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return len(b)
}

func millis(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMilli()
}

// Limits of one PutEvents call.
const (
	maxEntries    = 10
	maxBatchBytes = 256 * 1024
)

// batch is the content of one PutEvents call.
type batch struct {
	ends    []end
	entries []eventtypes.PutEventsRequestEntry
	bytes   int
}

func (b *batch) fits(e eventtypes.PutEventsRequestEntry) bool {
	return len(b.entries) == 0 || len(b.entries) < maxEntries && b.bytes+len(*e.Detail) <= maxBatchBytes
}

func (b *batch) add(e end, entry eventtypes.PutEventsRequestEntry) {
	b.ends = append(b.ends, e)
	b.entries = append(b.entries, entry)
	b.bytes += len(*entry.Detail)
}

// put puts a batch and notes which events were accepted, so no event is put twice.
func (b *Bridge) put(ctx context.Context, batch batch) error {
	if len(batch.entries) == 0 {
		return nil
	}
	out, err := b.config.Events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: batch.entries})
	if err != nil {
		return fmt.Errorf("put events: %w", err)
	}
	for i, e := range batch.ends {
		if code := out.Entries[i].ErrorCode; code != nil {
			err = fmt.Errorf("put the event of %s: %s: %s", e.arn, *code, aws.ToString(out.Entries[i].ErrorMessage))
			continue
		}
		e.machine.done[e.arn] = e.stopped
		b.stats.Delivered++
	}
	return err
}
