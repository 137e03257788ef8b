package console_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
)

func TestAStackIsProductionByItsName(t *testing.T) {
	for stack, want := range map[string]bool{
		"listings-prod": true, "prod-listings": true, "Listings_Production": true, "listings-production-eu": true, "PROD": true,
		"listings-prod2": true, "listings-dev": false, "product-listings": false, "products": false, "reproduce": false, "": false,
	} {
		if got := console.IsProduction(stack); got != want {
			t.Errorf("%q: got %t, want %t", stack, got, want)
		}
	}
}
