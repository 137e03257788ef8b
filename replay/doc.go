// Package replay is the contract of the replay API: requests, answers, statuses and limits.
//
// It uses the standard library only, so that the construct, the Lambdas and any client can import it.
package replay
