// Package boot is what every function does before it takes events: read the configuration, then the AWS settings.
package boot

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Start loads a function's configuration and the AWS settings of its environment, or logs every fault and exits.
func Start[C any](load func(func(string) string) (C, error)) (C, aws.Config, *slog.Logger) {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	cfg, err := load(os.Getenv)
	if err != nil {
		log.Error("invalid configuration", "error", err)
		os.Exit(1)
	}
	awsCfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("no AWS settings", "error", err)
		os.Exit(1)
	}
	return cfg, awsCfg, log
}
