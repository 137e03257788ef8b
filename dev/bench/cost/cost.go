// Package cost computes the cost of a million events from the measured calls of the functions.
package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

// Price is what one unit of something costs in us-east-1, beyond free tiers and without discounts for volume.
type Price struct {
	ID       string  `json:"id"`
	What     string  `json:"what"`
	USD      float64 `json:"usd"`
	Per      float64 `json:"per"`
	Unit     string  `json:"unit"`
	Source   string  `json:"source"`
	Dated    string  `json:"dated"`
	Verified bool    `json:"verified"` // found in a source that can be checked again
}

//go:embed prices.json
var priceList []byte

// Prices returns the price list.
func Prices() (all []Price, err error) {
	if err := json.Unmarshal(priceList, &all); err != nil {
		return nil, fmt.Errorf("read the price list: %w", err)
	}
	return all, nil
}

// Usage is the used amount of each priced item, by the price's id.
type Usage map[string]float64

// Plus returns the sum of two usages.
func (u Usage) Plus(other Usage) Usage {
	sum := Usage{}
	for _, each := range []Usage{u, other} {
		for id, n := range each {
			sum[id] += n
		}
	}
	return sum
}

// Times returns a multiple of a usage.
func (u Usage) Times(factor float64) Usage {
	product := Usage{}
	for id, n := range u {
		product[id] = n * factor
	}
	return product
}

// Item is a line of a bill.
type Item struct {
	Price
	Quantity float64
	Cost     float64
}

// Bill lists the costs of a usage, in the order of the price list, and their sum.
func Bill(u Usage) (items []Item, total float64, err error) {
	prices, err := Prices()
	if err != nil {
		return nil, 0, err
	}
	for id := range u {
		if !slices.ContainsFunc(prices, func(p Price) bool { return p.ID == id }) {
			return nil, 0, fmt.Errorf("%q has no price", id)
		}
	}
	for _, p := range prices {
		if n := u[p.ID]; n > 0 {
			item := Item{Price: p, Quantity: n, Cost: n / p.Per * p.USD}
			items, total = append(items, item), total+item.Cost
		}
	}
	return items, total, nil
}
