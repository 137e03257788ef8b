// Package e2e holds the end-to-end tests: they deploy the example's dev stage with the CDK CLI to an emulator, and look
// at what comes out of the queues, the buckets, the ledger and the API.
package e2e
