package engine

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// ARNs of the state machines of an engine.
const (
	MachineARN       = simtest.MachineARN
	SeriesMachineARN = simtest.SeriesMachineARN
)

type post = sqs.Post

func batch(bodies ...string) events.SQSEvent { return simtest.Batch(bodies...) }

func executionARN(name string) string {
	return awstest.Execution{Name: name, Machine: MachineARN}.ARN()
}

func seriesARN(name string) string {
	return awstest.Execution{Name: name, Machine: SeriesMachineARN}.ARN()
}

// pointer is what EventBridge reports of an execution.
func (e *Engine) pointer(name string) string { return simtest.Pointer(e.Machine.Execution(name)) }

// seriesInput is the input of the first execution of the Series state machine.
func (e *Engine) seriesInput() (in listener.SeriesInput, err error) {
	names := e.Series.Names("")
	if len(names) == 0 {
		return in, nil
	}
	if err := json.Unmarshal([]byte(e.Series.Execution(names[0]).Input), &in); err != nil {
		return in, fmt.Errorf("series input: %w", err)
	}
	return in, nil
}
