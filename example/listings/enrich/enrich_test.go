package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// modes answers with one mode after the other, and stays at the last.
type modes struct {
	values []string
	err    error
	calls  int
}

func (m *modes) GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	if m.err != nil {
		return nil, m.err
	}
	v := m.values[min(m.calls, len(m.values)-1)]
	m.calls++
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{Value: &v}}, nil
}

func newEnricher(m *modes) (enricher, *time.Time) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return enricher{geocoder: &geocoder{client: m, name: "mode", now: func() time.Time { return now }, hang: func() {}}}, &now
}

const good = `{"occurredAt":"2014-05-02T00:00:00Z","big":12345678901234567890,"listing":{"id":"1","priceUsd":675000,
	"livingAreaSqft":2820,"yearBuilt":1979,"address":{"zipcode":"98029"}}}`

func TestHandleAddsTheEnrichment(t *testing.T) {
	e, _ := newEnricher(&modes{values: []string{"ok"}})
	out, err := e.handle(t.Context(), json.RawMessage(good))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"enrichment":{"pricePerSqftCents":23936,"ageYears":35,"marketBand":"upper","premium":false}`,
		`"big":12345678901234567890`, // digit for digit
		`"priceUsd":675000`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("got %s, want %s in it", b, want)
		}
	}
}

func TestHandleRefusesBadListings(t *testing.T) {
	for _, tt := range []struct{ name, event, want string }{
		{"not JSON", `{`, "not a listing"},
		{"no listing", `{}`, "listing is missing"},
		{"a listing that is not an object", `{"listing":"x"}`, "not a listing"},
		{"no price", `{"listing":{"livingAreaSqft":1,"address":{"zipcode":"98029"}}}`, "priceUsd must be a number from 0 up, got nothing"},
		{"a negative price", `{"listing":{"priceUsd":-1,"livingAreaSqft":1,"address":{"zipcode":"98029"}}}`, "priceUsd must be a number from 0 up, got -1"},
		{"no living area", `{"listing":{"priceUsd":1,"address":{"zipcode":"98029"}}}`, "livingAreaSqft must be a number above 0, got nothing"},
		{"a living area of 0", `{"listing":{"priceUsd":1,"livingAreaSqft":0,"address":{"zipcode":"98029"}}}`, "livingAreaSqft must be a number above 0, got 0"},
		{"a short zip code", `{"listing":{"priceUsd":1,"livingAreaSqft":1,"address":{"zipcode":"9802"}}}`, `zipcode must be five digits, got "9802"`},
		{"several faults", `{"listing":{"priceUsd":-1}}`, "priceUsd must be a number from 0 up, got -1\nlisting.livingAreaSqft must"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &modes{values: []string{"ok"}}
			e, _ := newEnricher(m)
			_, err := e.handle(t.Context(), json.RawMessage(tt.event))
			checkFailure(t, err, errorInvalid, tt.want)
			if m.calls != 0 {
				t.Error("a bad listing reached the geocoder")
			}
		})
	}
}

func TestHandleFailsAsTheGeocoderDoes(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		modes      *modes
	}{
		{"unavailable", "503", &modes{values: []string{"unavailable"}}},
		{"hanging", "too late", &modes{values: []string{"hang"}}},
		{"no parameter", "read parameter mode: throttled", &modes{err: errors.New("throttled")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := newEnricher(tt.modes)
			_, err := e.handle(t.Context(), json.RawMessage(good))
			checkFailure(t, err, errorUnavailable, tt.want)
		})
	}
}

func TestGeocoderReadsItsModeOnceASecond(t *testing.T) {
	m := &modes{values: []string{"unavailable", "ok"}}
	e, now := newEnricher(m)
	for _, step := range []struct {
		after time.Duration
		fails bool
	}{{0, true}, {999 * time.Millisecond, true}, {time.Millisecond, false}} {
		*now = now.Add(step.after)
		if err := e.geocoder.call(t.Context()); (err != nil) != step.fails {
			t.Errorf("after %s: got %v, want failure %v", step.after, err, step.fails)
		}
	}
}

func TestPremium(t *testing.T) {
	price, area := 1_000_000.0, 1000.0
	below := 999_999.0
	for _, tt := range []struct {
		listing listing
		want    bool
	}{
		{listing{PriceUSD: &price, LivingAreaSqft: &area}, true},
		{listing{PriceUSD: &below, LivingAreaSqft: &area}, false},
		{listing{PriceUSD: &below, LivingAreaSqft: &area, Waterfront: true}, true},
	} {
		if got := tt.listing.enrich(time.Time{}); got.Premium != tt.want {
			t.Errorf("price %v, waterfront %v: got premium %v", *tt.listing.PriceUSD, tt.listing.Waterfront, got.Premium)
		}
	}
}

func TestBand(t *testing.T) {
	for price, want := range map[float64]string{
		0: "starter", 349_999: "starter", 350_000: "core", 650_000: "upper", 999_999: "upper", 1_000_000: "premium",
	} {
		if got := band(price); got != want {
			t.Errorf("%v: got %s, want %s", price, got, want)
		}
	}
}

func checkFailure(t *testing.T, err error, name, message string) {
	t.Helper()
	var failed messages.InvokeResponse_Error
	if !errors.As(err, &failed) || failed.Type != name || !strings.Contains(failed.Message, message) {
		t.Errorf("got %v, want %s: …%s…", err, name, message)
	}
}
