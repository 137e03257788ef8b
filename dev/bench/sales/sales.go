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
func Read(n int) ([]Sale, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, fmt.Errorf("read sales: %w", err)
	}
	var all []Sale
	lines := bufio.NewScanner(unzip)
	for lines.Scan() && (n == 0 || len(all) < n) {
		var doc struct {
			Listing struct {
				ID       string `json:"id"`
				AgencyID string `json:"agencyId"`
			} `json:"listing"`
		}
		if err := json.Unmarshal(lines.Bytes(), &doc); err != nil {
			return nil, fmt.Errorf("read sales: %w", err)
		}
		all = append(all, Sale{Raw: lines.Text(), Listing: doc.Listing.ID, Agency: doc.Listing.AgencyID})
	}
	return all, lines.Err()
}
