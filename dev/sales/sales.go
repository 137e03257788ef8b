// Package sales contains the house sales of King County, Washington, from May 2014 to May 2015 (public records, CC0):
// 21,597 events of 21,420 listings, in date order.
package sales

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
)

//go:embed testdata/listings.jsonl.gz
var zipped []byte

// Sale is one event.
type Sale struct {
	Raw     string
	Listing string // its resource
	Agency  string // its owner
}

// Read returns the first n sales, or all if n is 0.
func Read(n int) ([]Sale, error) { return Unzip(zipped, n) }

// Unzip returns the first n sales of a zipped file with an event per line, or all if n is 0.
func Unzip(zipped []byte, n int) ([]Sale, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, fmt.Errorf("read sales: %w", err)
	}
	return Parse(unzip, n)
}

// Parse returns the first n sales of a text with an event per line, or all if n is 0.
func Parse(text io.Reader, n int) ([]Sale, error) {
	var all []Sale
	lines := bufio.NewScanner(text)
	for lines.Scan() && (n == 0 || len(all) < n) {
		s, err := Of(lines.Text())
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, lines.Err()
}

// Of returns the sale of an event.
func Of(event string) (Sale, error) {
	var doc struct {
		Listing struct {
			ID       string `json:"id"`
			AgencyID string `json:"agencyId"`
		} `json:"listing"`
	}
	if err := json.Unmarshal([]byte(event), &doc); err != nil {
		return Sale{}, fmt.Errorf("read sale: %w", err)
	}
	return Sale{Raw: event, Listing: doc.Listing.ID, Agency: doc.Listing.AgencyID}, nil
}
