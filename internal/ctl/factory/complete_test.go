package factory_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/test/operator"
)

func TestTheShellIsOfferedNames(t *testing.T) {
	w := operator.New(t)
	c := w.Account()
	c.Add("shop", w.In("shop", "Orders"), w.In("shop", "Carts"))
	c.Add("listings", w.In("listings", "Listings"))
	id := w.Ask(`{"select":{"resourceIds":["r1"]},"reason":"the index lost it"}`)
	for line, want := range map[string][]string{
		"status --stack listings" + w.Endpoint + " ": {id + "\tPENDING the index lost it"},
		"items --stack listings" + w.Endpoint + " ":  {id},
		"cancel --stack listings" + w.Endpoint + " ": {id},
		"list" + w.Endpoint + " --stack ":            {"listings\n", "shop\n"},
		"list" + w.Endpoint + " --ingestion ":        {"shop/Carts", "shop/Orders", "listings/Listings"},
		"list --output ":                             {"table", "json", "jsonl"},
		"items x --outcome ":                         {"FAILED", "SKIPPED"},
		"list --status ":                             {"HALTED"},
		"replay --on-failure ":                       {"stop", "continue"},
		"can":                                        {"cancel\t"},
		"status --stack nowhere" + w.Endpoint + " ":  {":36\n"},
	} {
		words := append([]string{"__complete"}, strings.Split(line, " ")...)
		got := w.RunWords(words...)
		got.Wants(t, exit.OK, want, nil)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		w.Run("completion "+shell).Wants(t, exit.OK, []string{"replayctl"}, nil)
	}
}
