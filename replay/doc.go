// Package replay is the contract of the replay API: requests, responses, statuses and limits.
//
// It uses the standard library only, so that the construct, the functions and any client can import it. Package
// replay/client calls the API.
//
// # Requests
//
// A [Request] says which events run again, and how. [Decode] reads one as the API does: it knows every field, refuses
// unknown and repeated ones, fills in defaults, and turns relative times into absolute ones. Its error, an
// [InvalidError], names every fault at once; the API answers with them as a [Problem].
//
// # Results
//
// A replay has a status, and each of its items an outcome. [Counts] counts the outcomes; of a finished replay, it
// counts every item.
//
// # Resources
//
// [EventKey] is where the event log keeps the events of a resource. A resource id is a string without control
// characters whose key has at most 1,024 bytes.
package replay
