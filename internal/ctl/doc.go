// Package ctl is replayctl, the operator's command.
//
// Each command is a package below cmd: its flags, a constructor New, and what it does. New gets a factory.Factory,
// which has the streams, the global flags, the ingestion and a client of its API. Commands that start replays share the
// packages request (flags to requests) and start (confirm, plan, send); those that wait share follow. Package exit has
// the errors with an exit code and a remedy; factory.Explain adds both to other errors.
package ctl
