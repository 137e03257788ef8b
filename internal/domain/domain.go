// Package domain has the types of executions, failures, replays and items, and their rules. It knows neither AWS nor
// the store. The tag "row" names the attribute in which the store keeps a field.
package domain
