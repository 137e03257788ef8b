// Package jsonata evaluates JSONata expressions that are not trusted. The reference implementation of the language
// (https://jsonata.org, version 2.2.2, as published) runs in QuickJS, within bounds of time, memory and depth.
package jsonata

import (
	"context"
	_ "embed" // the library
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"modernc.org/quickjs"
)

// Errors about an expression. They tell its author what is wrong.
var (
	// ErrExpression means that an expression cannot be parsed, or has no value for an event.
	ErrExpression = errors.New("jsonata")
	// ErrTooCostly means that an evaluation reached a bound.
	ErrTooCostly = errors.New("jsonata: too costly")
)

// maxMemory is how many bytes one evaluation may use. A function has 512 MB.
const maxMemory = 64 << 20

// timeout bounds an evaluation. Tests shorten it.
var timeout = 2 * time.Second

// turn lets one evaluation run at a time, because each may use maxMemory.
var turn = make(chan struct{}, 1)

//go:embed guard.js
var guard string

//go:embed jsonata-2.2.2.min.js
var library string

//go:embed evaluate.js
var evaluate string

// program is the bytecode that every evaluation loads. That takes 2 ms; the source would take 20.
var program = sync.OnceValues(func() ([]byte, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, fmt.Errorf("start QuickJS: %w", err)
	}
	code, err := vm.Compile(guard+library+"\n"+evaluate, quickjs.EvalGlobal)
	if err = errors.Join(err, vm.Close()); err != nil {
		return nil, fmt.Errorf("compile JSONata: %w", err)
	}
	return code, nil
})

// Check returns an ErrExpression if an expression cannot be parsed. It does not evaluate it.
func Check(ctx context.Context, expression string) error {
	_, err := call(ctx, "check", expression)
	return err
}

// Eval returns the value of an expression for a JSON document, as compact JSON. Bindings are its variables; $event is
// the document. Numbers of the document keep their digits, see restore.
func Eval(ctx context.Context, expression string, event []byte, bindings map[string]string) ([]byte, error) {
	in, err := numbersOf(event)
	if err != nil {
		return nil, err
	}
	if bindings == nil {
		bindings = map[string]string{}
	}
	variables, err := json.Marshal(bindings)
	if err != nil {
		return nil, fmt.Errorf("encode bindings: %w", err)
	}
	value, err := call(ctx, "evaluate", expression, string(event), string(variables))
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, fmt.Errorf("%w: it has no value for this event", ErrExpression)
	}
	return in.restore(value)
}

// call runs a function of evaluate.js in a new engine, and returns the value in its answer.
func call(ctx context.Context, function string, arguments ...any) (json.RawMessage, error) {
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("evaluate JSONata: %w", ctx.Err())
	}
	text, err := run(ctx, function, arguments)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Value json.RawMessage `json:"value"`
		Fault *struct {
			Code     string `json:"code"`
			Message  string `json:"message"`
			Position int    `json:"position"`
		} `json:"fault"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return nil, fmt.Errorf("%w: its value is not JSON: %w", ErrExpression, err)
	}
	switch f := answer.Fault; {
	case f == nil:
		return answer.Value, nil
	case f.Message == "out of memory":
		return nil, fmt.Errorf("%w: it needs more than %d MB of memory", ErrTooCostly, maxMemory>>20)
	case f.Message == "stack overflow":
		return nil, fmt.Errorf("%w: it or the event is nested too deep", ErrTooCostly)
	case f.Code != "":
		return nil, fmt.Errorf("%w: %s, at character %d (%s)", ErrExpression, f.Message, f.Position, f.Code)
	default:
		return nil, fmt.Errorf("%w: %s", ErrExpression, f.Message)
	}
}

// run calls a function, and returns the variable answer that the call has set.
func run(ctx context.Context, function string, arguments []any) (answer string, err error) {
	// QuickJS is translated from C: a memory fault in it must fail the item, not end the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			answer, err = "", fmt.Errorf("%w: the engine failed: %v", ErrTooCostly, r)
		}
	}()
	code, err := program()
	if err != nil {
		return "", err
	}
	vm, err := quickjs.NewVM()
	if err != nil {
		return "", fmt.Errorf("start QuickJS: %w", err)
	}
	defer func() { err = errors.Join(err, vm.Close()) }()
	vm.SetMemoryLimit(maxMemory)
	if err := vm.SetEvalTimeout(timeout); err != nil {
		return "", fmt.Errorf("bound QuickJS: %w", err)
	}
	defer context.AfterFunc(ctx, vm.Interrupt)()
	if _, err := vm.EvalBytecode(code); err != nil {
		return "", fmt.Errorf("load JSONata: %w", err)
	}
	_, err = vm.Call(function, arguments...)
	if err == nil {
		_, err = vm.ExecutePendingJobs()
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("evaluate JSONata: %w", ctx.Err())
	}
	if err != nil { // errors of the expression come as answers
		return "", fmt.Errorf("%w: it is not done after %s: %w", ErrTooCostly, timeout, err)
	}
	got, err := vm.Eval("answer", quickjs.EvalGlobal)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrTooCostly, err)
	}
	answer, given := got.(string)
	if !given {
		return "", fmt.Errorf("%w: it does not come to an end", ErrTooCostly)
	}
	return answer, nil
}
