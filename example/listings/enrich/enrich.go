package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"time"
)

// errorInvalid is not retried: the listing will be as bad next time.
const errorInvalid = "InvalidListing"

// premiumUSD makes a listing premium, as a waterfront does.
const premiumUSD = 1_000_000

// listing is the part of an event that enrichment reads.
type listing struct {
	PriceUSD       *float64 `json:"priceUsd"`
	LivingAreaSqft *float64 `json:"livingAreaSqft"`
	YearBuilt      *int     `json:"yearBuilt"`
	Waterfront     bool     `json:"waterfront"`
	Address        struct {
		Zipcode string `json:"zipcode"`
	} `json:"address"`
}

// enrichment is what is added to the event. It depends on nothing but the event, so that a replay publishes the
// same. Figures are whole numbers, which survive every JSON reader.
type enrichment struct {
	PricePerSqftCents int64  `json:"pricePerSqftCents"`
	AgeYears          *int   `json:"ageYears,omitempty"` // at the time of the event
	MarketBand        string `json:"marketBand"`
	Premium           bool   `json:"premium"`
}

type enricher struct {
	geocoder *geocoder
}

// handle returns the event with its enrichment. It fails with InvalidListing or GeocoderServiceUnavailable.
func (e enricher) handle(ctx context.Context, event json.RawMessage) (map[string]any, error) {
	var typed struct {
		OccurredAt time.Time `json:"occurredAt"`
		Listing    *listing  `json:"listing"`
	}
	if err := json.Unmarshal(event, &typed); err != nil {
		return nil, failure(errorInvalid, "the event is not a listing: %v", err)
	}
	if typed.Listing == nil {
		return nil, failure(errorInvalid, "listing is missing")
	}
	if err := typed.Listing.validate(); err != nil {
		return nil, failure(errorInvalid, "%v", err)
	}
	if err := e.geocoder.call(ctx); err != nil {
		return nil, err
	}
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader(event))
	d.UseNumber() // the event's numbers keep every digit
	if err := d.Decode(&out); err != nil {
		return nil, failure(errorInvalid, "the event is not an object: %v", err)
	}
	out["enrichment"] = typed.Listing.enrich(typed.OccurredAt)
	return out, nil
}

var zipcode = regexp.MustCompile(`^[0-9]{5}$`)

// validate names every fault at once.
func (l *listing) validate() error {
	var errs []error
	fault := func(field, want string, got any) {
		errs = append(errs, fmt.Errorf("listing.%s must be %s, got %v", field, want, got))
	}
	switch {
	case l.PriceUSD == nil:
		fault("priceUsd", "a number from 0 up", "nothing")
	case *l.PriceUSD < 0:
		fault("priceUsd", "a number from 0 up", *l.PriceUSD)
	}
	switch {
	case l.LivingAreaSqft == nil:
		fault("livingAreaSqft", "a number above 0", "nothing")
	case *l.LivingAreaSqft <= 0:
		fault("livingAreaSqft", "a number above 0", *l.LivingAreaSqft)
	}
	if !zipcode.MatchString(l.Address.Zipcode) {
		fault("address.zipcode", "five digits", fmt.Sprintf("%q", l.Address.Zipcode))
	}
	return errors.Join(errs...)
}

func (l *listing) enrich(at time.Time) enrichment {
	e := enrichment{
		PricePerSqftCents: int64(math.Round(*l.PriceUSD * 100 / *l.LivingAreaSqft)),
		MarketBand:        band(*l.PriceUSD),
		Premium:           *l.PriceUSD >= premiumUSD || l.Waterfront,
	}
	if l.YearBuilt != nil && !at.IsZero() {
		age := max(0, at.Year()-*l.YearBuilt)
		e.AgeYears = &age
	}
	return e
}

func band(priceUSD float64) string {
	switch {
	case priceUSD < 350_000:
		return "starter"
	case priceUSD < 650_000:
		return "core"
	case priceUSD < premiumUSD:
		return "upper"
	default:
		return "premium"
	}
}
