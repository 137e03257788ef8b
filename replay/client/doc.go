// Package client calls the replay API of a ReplayableIngestion.
//
// Requests are signed with AWS Signature Version 4 for the service execute-api. The caller needs execute-api:Invoke,
// which the construct's GrantReplay and GrantReadHistory allow.
//
// # Services
//
// A Client has a service for each kind of thing: Replays, Versions, Resources, Executions, Failures and Controls. Do
// sends any request as it is.
//
// # Retries
//
// A method of a service makes up to five attempts: after status 429, 500, 502, 503 or 504, or if no response came. It
// waits between them with exponential backoff and jitter. POST /replays carries an Idempotency-Key, so that attempts
// start one replay at most.
//
// # Lists
//
// Methods that list return an iterator, which reads pages as they are needed and can be used again from the beginning.
// An error ends the list. Those whose names end in Page read one page: the first one without a cursor, else the one
// that the NextCursor of another page leads to. They are for programs that show a list page by page.
//
// # Errors
//
// A RefusedError is a response with a status of 400 or more; its Problem names each fault of a request. An
// UnreachableError means that no response came, a CredentialsError that the request could not be signed.
package client
