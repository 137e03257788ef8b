package factory_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestTheShellIsOfferedNames(t *testing.T) {
	w := operator.New(t)
	c := w.Account()
	c.Add("shop", w.In("shop", "Orders"), w.In("shop", "Carts"))
	c.Add("listings", w.In("listings", "Listings"))
	with := w.In("computed", "Listings")
	with.Transforms = []string{"fix-price", "fix-size"}
	c.Add("computed", with)
	id := w.Ask(`{"select":{"resourceIds":["r1"]},"reason":"the index lost it"}`)
	for line, want := range map[string][]string{
		"status --stack listings" + w.Endpoint + " ":                      {id + "\tPENDING the index lost it"},
		"items --stack listings" + w.Endpoint + " ":                       {id},
		"cancel --stack listings" + w.Endpoint + " ":                      {id},
		"list" + w.Endpoint + " --stack ":                                 {"listings\n", "shop\n"},
		"list" + w.Endpoint + " --ingestion ":                             {"shop/Carts", "shop/Orders", "listings/Listings"},
		"replay --stack computed" + w.Endpoint + " --transform ":          {"fix-price\nfix-size\n:36\n"},
		"failures replay --stack computed" + w.Endpoint + " --transform ": {"fix-price\nfix-size\n:36\n"},
		"replay --stack listings" + w.Endpoint + " --transform ":          {":36\n"},
		"list --output ":       {"table", "json", "jsonl"},
		"items x --outcome ":   {"FAILED", "SKIPPED"},
		"list --status ":       {"HALTED"},
		"replay --on-failure ": {"stop", "continue"},
		"can":                  {"cancel\t"},
		"status --stack nowhere" + w.Endpoint + " ": {":36\n"},
	} {
		words := append([]string{"__complete"}, strings.Split(line, " ")...)
		got := w.RunWords(words...)
		got.Wants(t, exit.OK, want, nil)
	}
	for _, line := range []string{
		"history ", "show ", "diff ", "diff r1 ", "replay ", "replay --owner ", "replay r1 --version ", "replay --since ", "replay --merge-patch ",
		"failures --resource ", "failures --error ", "list --limit ", "list ", "doctor ", "doctor --skip ", "items --limit ", "list --profile ", "list --api-url ",
	} {
		got := w.RunWords(append([]string{"__complete"}, strings.Split(line+"", " ")...)...)
		if !strings.Contains(got.Out, ":4\n") && !strings.Contains(got.Out, ":36\n") {
			t.Errorf("%s: got %q, want no names of files", line, got.Out)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		w.Run("completion "+shell).Wants(t, exit.OK, []string{"replayctl"}, nil)
	}
}

func TestTheShellIsOfferedIdsThatExist(t *testing.T) {
	w := operator.New(t)
	w.Broken(map[string]string{"r1": "BadListing", "r2": "BadPrice"})
	version := w.VersionsOf("r1")[0].VersionID
	for line, want := range map[string][]string{
		"history ":                 {"r1\tBadListing\n", "r2\tBadPrice\n"},
		"show ":                    {"r1\t", "r2\t"},
		"diff ":                    {"r1\t"},
		"diff r1 ":                 {version + "\t"},
		"replay r1 ":               {"r2\t"},
		"replay r1 --version ":     {version + "\t"},
		"show r1 --version ":       {version + "\t"},
		"failures --error ":        {"BadListing\n", "BadPrice\n"},
		"failures --resource ":     {"r1\t", "r2\t"},
		"failures replay --error ": {"BadPrice\n"},
	} {
		got := w.RunWords(append([]string{"__complete"}, strings.Split(line, " ")...)...)
		got.Wants(t, exit.OK, append(want, ":36\n"), nil)
	}
}
