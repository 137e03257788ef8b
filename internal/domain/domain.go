// Package domain says what executions, failures, replays and their items are. It knows neither AWS nor where they are
// kept: the tag "row" names the attribute that holds a field, for whoever keeps it.
package domain
