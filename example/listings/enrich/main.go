// Command enrich is the function of the example's Enrich state: it checks a listing and adds what can be computed
// about it.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	parameter := os.Getenv("GEOCODER_PARAMETER")
	if parameter == "" {
		log.Error("invalid configuration", "error", "GEOCODER_PARAMETER must be set")
		os.Exit(1)
	}
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("invalid configuration", "error", err)
		os.Exit(1)
	}
	g := &geocoder{
		client: ssm.NewFromConfig(cfg),
		name:   parameter,
		now:    time.Now,
		// Longer than any function may run, and deaf to the context: Lambda itself is to end it.
		hang: func() { time.Sleep(time.Hour) },
	}
	lambda.Start(enricher{geocoder: g}.handle)
}
