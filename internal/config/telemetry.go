package config

import "log/slog"

// Telemetry is in the environment of every function, beside its own configuration.
type Telemetry struct {
	Ingestion string     // dimension of the metrics
	LogLevel  slog.Level // of log lines; metrics are written at any level
}

func (c *Telemetry) fields() []field {
	return []field{
		text("INGESTION", &c.Ingestion),
		level("LOG_LEVEL", &c.LogLevel),
	}
}

// Env returns the variables that LoadTelemetry reads.
func (c Telemetry) Env() map[string]string { return encode(c.fields()) }

// LoadTelemetry decodes the environment. The error names every invalid variable.
func LoadTelemetry(getenv func(string) string) (c Telemetry, err error) {
	err = decode(c.fields(), getenv)
	return c, err
}

func level(key string, p *slog.Level) field {
	return field{
		key: key, want: "INFO, WARN or ERROR",
		encode: func() string { return p.String() },
		decode: func(s string) error {
			for _, l := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
				if s == l.String() {
					*p = l
					return nil
				}
			}
			return errInvalid
		},
	}
}
