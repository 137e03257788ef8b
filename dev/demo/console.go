package demo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

// console leaves what needs a person to the reader, in the browser, until Ctrl-C.
func (d *demo) console(ctx context.Context) error {
	d.chapter("5. The rest is yours")
	d.say("%d listings are left, whose producer wrote -1 into priceUsd, and the price into askingPriceUsd. Find them, and replay them\n"+
		"with a patch that moves it. Open this address in your browser; Ctrl-C ends the demo.\n", badListings)
	code := ctl.Main(ctx, factory.Process{
		Args: []string{"console", "--local=" + d.stackFile, "--port", "0"}, In: strings.NewReader(""), Out: d.out, Err: d.out,
		Env: func(string) string { return "" }, LoadAWS: config.LoadDefaultConfig, Now: time.Now, Zone: time.Local,
	})
	return operated{code: code}.must(exit.OK)
}
