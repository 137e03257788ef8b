package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Run what failed in the last two hours again, wait for the end, and print what failed once more.
func Example() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	api, err := client.New(client.Config{
		BaseURL:     "https://abc123.execute-api.eu-west-1.amazonaws.com/v1",
		Region:      cfg.Region,
		Credentials: cfg.Credentials,
	})
	if err != nil {
		log.Fatal(err)
	}
	since := time.Now().Add(-2 * time.Hour)
	accepted, err := api.Replays.Create(ctx, "incident-4711", replay.Request{
		Select: replay.Select{Failures: &replay.FailureFilter{Error: "Geocoder*", Since: &since}},
		Reason: "the geocoder is back",
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := api.Replays.Wait(ctx, accepted.ReplayID); err != nil {
		log.Fatal(err)
	}
	for item, err := range api.Replays.ListItems(ctx, accepted.ReplayID, replay.Failed) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.ResourceID, item.Reason)
	}
}
