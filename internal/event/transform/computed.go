package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/event/exact"
	"github.com/ce873799/replayable-ingestion/internal/event/jsonata"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Functions calls the user's functions by their names in the prop Transforms.
type Functions interface {
	// Call calls a function and returns its response. The error is ErrFunction if a retry would not help.
	Call(ctx context.Context, name string, payload []byte) ([]byte, error)
}

// ErrFunction means that a function of the user cannot be called, or has failed.
var ErrFunction = errors.New("function")

// passing is an error that is not about the transform or the event. A retry may succeed.
type passing struct{ error }

func (p *passing) Unwrap() error { return p.error }

func expressionError(err error) error {
	if errors.Is(err, jsonata.ErrExpression) || errors.Is(err, jsonata.ErrTooCostly) {
		return fmt.Errorf("%w: %w", ErrTransform, err)
	}
	return err
}

func evaluation(expression string) func(context.Context, []byte, Subject) ([]byte, error) {
	return func(ctx context.Context, event []byte, of Subject) ([]byte, error) {
		variables := map[string]string{"resourceId": of.ResourceID, "versionId": of.VersionID, "ownerId": of.OwnerID}
		for name, value := range variables {
			if value == "" { // an unset variable is nothing in JSONata
				delete(variables, name)
			}
		}
		made, err := jsonata.Eval(ctx, expression, event, variables)
		if err != nil && !errors.Is(err, jsonata.ErrExpression) && !errors.Is(err, jsonata.ErrTooCostly) {
			return nil, &passing{err}
		}
		return made, err
	}
}

// Call is the payload for a function of the user.
type Call struct {
	Event      json.RawMessage `json:"event"`
	ResourceID string          `json:"resourceId,omitempty"` // absent, like the next two, if the event was never recorded
	VersionID  string          `json:"versionId,omitempty"`
	OwnerID    string          `json:"ownerId,omitempty"` // also absent if it has no owner
	Parameters json.RawMessage `json:"parameters,omitempty"`
	ReplayID   string          `json:"replayId"`
	DryRun     bool            `json:"dryRun"`
}

func calling(t *replay.Transform, functions Functions) func(context.Context, []byte, Subject) ([]byte, error) {
	return func(ctx context.Context, event []byte, of Subject) ([]byte, error) {
		if functions == nil {
			return nil, fmt.Errorf("%w %s: this ingestion has none", ErrFunction, t.Function)
		}
		payload, err := exact.Encode(Call{
			Event: event, ResourceID: of.ResourceID, VersionID: of.VersionID, OwnerID: of.OwnerID,
			Parameters: t.Parameters, ReplayID: of.ReplayID, DryRun: of.DryRun,
		})
		if err != nil {
			return nil, fmt.Errorf("encode call of function %s: %w", t.Function, err)
		}
		made, err := functions.Call(ctx, t.Function, payload)
		if err != nil && !errors.Is(err, ErrFunction) {
			return nil, &passing{err}
		}
		if err != nil {
			return nil, err
		}
		if made = bytes.TrimSpace(made); len(made) == 0 || made[0] != '{' {
			return nil, fmt.Errorf("%w %s: it returned %q: it must return the event, a JSON object", ErrFunction, t.Function,
				replay.Shorten(string(made)))
		}
		if err := errors.Join(replay.CheckKeys(made), replay.CheckText(made)); err != nil {
			return nil, fmt.Errorf("%w %s: in what it returned, %w", ErrFunction, t.Function, err)
		}
		return made, nil
	}
}
