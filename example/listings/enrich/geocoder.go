package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// errorUnavailable matches *ServiceUnavailable*, which is retried.
const errorUnavailable = "GeocoderServiceUnavailable"

// modeTTL is how long a mode is believed: a rehearsal begins and ends within a second.
const modeTTL = time.Second

type parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// geocoder stands for a service that enrichment depends on. A parameter says how it behaves.
type geocoder struct {
	client parameters
	name   string
	now    func() time.Time
	hang   func()

	mu     sync.Mutex
	mode   string
	readAt time.Time
}

// call does what the mode says: nothing, fail, or not come back.
func (g *geocoder) call(ctx context.Context) error {
	mode, err := g.currentMode(ctx)
	if err != nil {
		return failure(errorUnavailable, "%v", err)
	}
	switch mode {
	case "ok":
		return nil
	case "hang":
		g.hang()
		return failure(errorUnavailable, "the geocoder answered too late")
	default:
		return failure(errorUnavailable, "the geocoder answered 503 Service Unavailable")
	}
}

func (g *geocoder) currentMode(ctx context.Context) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.readAt.IsZero() && g.now().Sub(g.readAt) < modeTTL {
		return g.mode, nil
	}
	out, err := g.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &g.name})
	if err != nil {
		return "", fmt.Errorf("read parameter %s: %w", g.name, err)
	}
	g.mode, g.readAt = *out.Parameter.Value, g.now()
	return g.mode, nil
}

// failure is an error that Step Functions knows by the given name.
func failure(name, format string, args ...any) error {
	return messages.InvokeResponse_Error{Type: name, Message: fmt.Sprintf(format, args...)}
}
