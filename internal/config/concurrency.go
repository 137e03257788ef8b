package config

// Concurrency of Lambda that the queues take by default. With auto-replay's one, they leave three of the ten that a new
// account has to live events and the API.
const (
	ReplaysConcurrency  = 3
	OutcomesConcurrency = 3
)
