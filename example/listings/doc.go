// Package listings is an example of a ReplayableIngestion: an importer of property listings.
//
// Each event is enriched by a function that calls a geocoder. Premium listings are offered to a sales team, once:
// a replay does not offer them again. What comes out goes to a downstream service, and, without replays, to a second.
//
// The geocoder can be made to fail, to rehearse an outage: see Geocoder in [Stack].
package listings
