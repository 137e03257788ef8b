package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/event/jsonata"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Functions calls functions of the user by the names that the ingestion has for them.
type Functions interface {
	// Call returns what a function returns. The error is ErrFunction if another call would not help.
	Call(ctx context.Context, name string, payload []byte) ([]byte, error)
}

// ErrFunction means that a function of the user cannot be called, or failed.
var ErrFunction = errors.New("function")

// passing is an error that says nothing about the transform or the event: the same may work later.
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
			if value == "" { // a variable without a value, which is nothing to JSONata
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

// Call is what a function of the user gets.
type Call struct {
	Event      json.RawMessage `json:"event"`
	ResourceID string          `json:"resourceId,omitempty"` // absent, as the next two: it was never recorded
	VersionID  string          `json:"versionId,omitempty"`
	OwnerID    string          `json:"ownerId,omitempty"` // absent also if it has none
	Parameters json.RawMessage `json:"parameters,omitempty"`
	ReplayID   string          `json:"replayId"`
	DryRun     bool            `json:"dryRun"`
}

func calling(t *replay.Transform, functions Functions) func(context.Context, []byte, Subject) ([]byte, error) {
	return func(ctx context.Context, event []byte, of Subject) ([]byte, error) {
		if functions == nil {
			return nil, fmt.Errorf("%w %s: this ingestion has none", ErrFunction, t.Function)
		}
		var payload bytes.Buffer
		enc := json.NewEncoder(&payload)
		enc.SetEscapeHTML(false)
		err := enc.Encode(Call{
			Event: event, ResourceID: of.ResourceID, VersionID: of.VersionID, OwnerID: of.OwnerID,
			Parameters: t.Parameters, ReplayID: of.ReplayID, DryRun: of.DryRun,
		})
		if err != nil {
			return nil, fmt.Errorf("encode call of function %s: %w", t.Function, err)
		}
		made, err := functions.Call(ctx, t.Function, payload.Bytes())
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
